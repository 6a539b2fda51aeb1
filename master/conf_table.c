/* Complaints, and the tables of what was read: see conf_reader.h. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/bug.h"
#include "master/conf_reader.h"

/* Complaints. ------------------------------------------------------------- */

void
conf_fault(
    struct conf_reader *r, int line, const char *element, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r->own_app) {
		r->parts.app[r->app].faulty = true;
		r->report->app_faults++;
		conf_notice(
		    r, LOG_LEVEL_ERROR, line, element ? element : "", text);
		return;
	}
	fprintf(stderr, "%s:", r->file);
	if (line > 0)
		fprintf(stderr, "%d:", line);
	if (element)
		fprintf(stderr, " %s:", element);
	fprintf(stderr, " %s\n", text);
	r->report->faults++;
}

void
conf_notice(struct conf_reader *r, enum log_level level, int line,
    const char *element, const char *text)
{
	struct conf_report *rep = r->report;
	for (unsigned i = 0; i < rep->nnotices; i++)
		if (level == LOG_LEVEL_NOTICE &&
		    rep->notice[i].kind == r->kind &&
		    strcmp(rep->notice[i].element, element) == 0 &&
		    strcmp(rep->notice[i].text, text) == 0 &&
		    (!r->own_app || strcmp(rep->notice[i].file, r->file) == 0))
			return; /* named once */
	if (rep->nnotices == CONF_NOTICES_MAX) {
		rep->left_out++;
		return;
	}
	struct conf_notice *n = &rep->notice[rep->nnotices++];
	n->level = level;
	n->kind = r->kind;
	n->line = line;
	snprintf(n->file, sizeof n->file, "%s", r->file);
	snprintf(n->element, sizeof n->element, "%s", element);
	snprintf(n->text, sizeof n->text, "%s", text);
}

/* Tables. ----------------------------------------------------------------- */

void *
conf_grow(void *array, uint32_t *n, size_t size, uint32_t max)
{
	if (*n >= max)
		return NULL;
	/* twice as much at each power of two */
	if ((*n & (*n - 1)) == 0) {
		array = realloc(array, (*n ? *n * (size_t)2 : 1) * size);
		bug_on(array == NULL);
	}
	memset((char *)array + *n * size, 0, size);
	++*n;
	return array;
}

bool
conf_name_ok(const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n >= CONF_NAME)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 127 ||
		    name[i] == '/')
			return false;
	return true;
}

uint32_t
conf_app_named(struct conf_reader *r, uint32_t vhost, const char *name)
{
	struct conf_parts *p = &r->parts;
	uint32_t n = p->head.napps, general = UINT32_MAX;
	for (uint32_t i = 0; i < n; i++) {
		if (p->app[i].vhost != vhost)
			continue;
		if (strcmp(p->app[i].name, name) == 0)
			return i;
		if (p->app[i].name[0] == '\0')
			general = i;
	}
	struct conf_app *a =
	    conf_grow(p->app, &p->head.napps, sizeof *a, CONF_APPS_MAX);
	if (a == NULL) {
		conf_fault(r, 0, name, "expected at most %d applications",
		    CONF_APPS_MAX);
		return 0;
	}
	p->app = a;
	if (general != UINT32_MAX)
		a[n] = a[general];
	else
		conf_defaults(&a[n], CONF_APP);
	a[n].vhost = vhost;
	snprintf(a[n].name, sizeof a[n].name, "%s", name);
	return n;
}

uint32_t
conf_vhost_named(struct conf_reader *r, const char *name)
{
	struct conf_parts *p = &r->parts;
	uint32_t n = p->head.nvhosts;
	for (uint32_t i = 0; i < n; i++)
		if (strcasecmp(p->vhost[i].name, name) == 0)
			return i;
	struct conf_vhost *v =
	    conf_grow(p->vhost, &p->head.nvhosts, sizeof *v, CONF_VHOSTS_MAX);
	if (v == NULL) {
		conf_fault(r, 0, name, "expected at most %d virtual hosts",
		    CONF_VHOSTS_MAX);
		return 0;
	}
	p->vhost = v;
	conf_defaults(&v[n], CONF_VHOST);
	snprintf(v[n].name, sizeof v[n].name, "%s", name);
	(void)conf_app_named(r, n, "");
	return n;
}
