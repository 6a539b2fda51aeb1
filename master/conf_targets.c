/* Republish/Target: see conf_reader.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "master/conf_reader.h"
#include "master/target_rule.h"

/* A keyfile is beside the file that names it, unless its path is a whole one. */
static void
set_keyfile(
    struct conf_reader *r, const struct conf_element *e, struct conf_target *t)
{
	const char *slash = strrchr(r->file, '/');
	bool whole = e->keyfile[0] == '/' || e->keyfile[0] == '\0';
	int n = snprintf(t->keyfile, sizeof t->keyfile, "%.*s%s",
	    whole || slash == NULL ? 0 : (int)(slash - r->file) + 1, r->file,
	    e->keyfile);
	if (n < 0 || (size_t)n >= sizeof t->keyfile)
		conf_fault(r, e->line, e->path,
		    "keyfile: expected a path below %zu bytes",
		    sizeof t->keyfile);
}

static bool
is_same(const struct conf_target *a, const struct conf_target *b)
{
	return a->vhost == b->vhost && strcmp(a->app, b->app) == 0 &&
	       strcmp(a->url, b->url) == 0 && strcmp(a->stream, b->stream) == 0;
}

/* Two that would publish the same name at the same place. */
static bool
is_twice(const struct conf_parts *p, const struct conf_target *t)
{
	for (uint32_t i = 0; i < p->head.ntargets; i++)
		if (is_same(&p->target[i], t) &&
		    strcmp(p->target[i].keyfile, t->keyfile) == 0 &&
		    strcmp(p->target[i].when, t->when) == 0)
			return true;
	return false;
}

void
conf_target(struct conf_reader *r, const struct conf_element *e)
{
	struct conf_parts *p = &r->parts;
	struct conf_target t = { .vhost = r->vhost,
		.line = (uint32_t)e->line,
		.lag_ms = TARGET_BUFFER_MS };
	snprintf(t.app, sizeof t.app, "%s", p->app[r->app].name);
	memcpy(t.url, e->url, sizeof t.url);
	memcpy(t.stream, e->stream, sizeof t.stream);
	memcpy(t.when, e->when, sizeof t.when);
	set_keyfile(r, e, &t);
	const char *why = target_rule_check(&t);
	if (why != NULL) {
		conf_fault(r, e->line, e->path, "%s", why);
		return;
	}
	if (e->buffer[0] != '\0' && !target_rule_buffer(e->buffer, &t.lag_ms)) {
		conf_fault(r, e->line, e->path,
		    "buffer: expected seconds from 0.2 to 600, not \"%.40s\"",
		    e->buffer);
		return;
	}
	if (is_twice(p, &t)) {
		conf_notice(r, LOG_LEVEL_WARNING, e->line, e->path,
		    "given twice, the first one holds");
		return;
	}
	struct conf_target *list = conf_grow(
	    p->target, &p->head.ntargets, sizeof *list, CONF_TARGETS_MAX);
	if (list == NULL) {
		conf_fault(r, e->line, e->path,
		    "expected at most %d targets together", CONF_TARGETS_MAX);
		return;
	}
	p->target = list;
	list[p->head.ntargets - 1] = t;
}
