/* Names of elements: see conf_reader.h. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "master/conf_reader.h"

static const char *const fms_elements[] = {
#define FMS_ELEMENT(name) #name,
#include "master/fms_elements.def"
#undef FMS_ELEMENT
};

static bool
is_fms(const char *name)
{
	for (unsigned i = 0; i < sizeof fms_elements / sizeof *fms_elements;
	     i++)
		if (strcmp(fms_elements[i], name) == 0)
			return true;
	return false;
}

static char
lower(char c)
{
	return (char)tolower((unsigned char)c);
}

/* Edit distance of two short names in any case, at most 9. */
static unsigned
distance(const char *a, const char *b, size_t blen)
{
	unsigned row[64];
	size_t alen = strlen(a);
	if (alen >= 64 || blen >= 64)
		return 9;
	for (unsigned j = 0; j <= alen; j++)
		row[j] = j;
	for (unsigned i = 1; i <= blen; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= alen; j++) {
			unsigned change =
			    diagonal + (lower(a[j - 1]) != lower(b[i - 1]));
			unsigned shift =
			    (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			diagonal = row[j];
			row[j] = change < shift ? change : shift;
		}
	}
	return row[alen];
}

const char *
conf_our_path(enum conf_file kind, unsigned i)
{
	enum conf_file k;
	if (i < conf_params_count)
		return conf_params[i].file == kind ? conf_params[i].path : "";
	const char *path = conf_element_path(i - conf_params_count, &k);
	return path == NULL || k == kind ? path : "";
}

/*
 * The name nearest to `name` among ours inside the container `path`, if it is
 * at most 2 edits away.  Returns its length, *near set; or 0.
 */
static size_t
nearest(const struct conf_reader *r, const char *path, const char *name,
    const char **near)
{
	size_t plen = strlen(path), found = 0;
	unsigned best = 3;
	const char *p;
	for (unsigned i = 0; (p = conf_our_path(r->kind, i)); i++) {
		if (strncmp(p, path, plen) != 0 || p[plen] == '\0')
			continue;
		size_t len = strcspn(p + plen, "/");
		unsigned d = distance(name, p + plen, len);
		if (d < best && d < len) {
			best = d;
			*near = p + plen;
			found = len;
		}
	}
	return found;
}

/* Our path that ends with name and lies elsewhere; NULL: none. */
static const char *
elsewhere(const struct conf_reader *r, const char *name)
{
	const char *p;
	size_t n = strlen(name);
	for (unsigned i = 0; (p = conf_our_path(r->kind, i)); i++) {
		size_t len = strlen(p);
		if (len > n && p[len - n - 1] == '/' &&
		    strcmp(p + len - n, name) == 0)
			return p;
	}
	return NULL;
}

void
conf_unknown(
    struct conf_reader *r, int line, const char *path, const char *name)
{
	char element[CONF_PATH + 64], text[128];
	const char *near = NULL;
	snprintf(element, sizeof element, "%s%s", path, name);
	bool fms = is_fms(name);
	const char *other = fms ? NULL : elsewhere(r, name);
	size_t n = fms || other ? 0 : nearest(r, path, name, &near);
	if (other != NULL) {
		snprintf(text, sizeof text, "ignored here; did you mean %.90s?",
		    other);
		conf_notice(r, LOG_LEVEL_WARNING, line, element, text);
		return;
	}
	if (n > 0) {
		snprintf(text, sizeof text, "ignored; did you mean %.*s?",
		    (int)n, near);
		conf_notice(r, LOG_LEVEL_WARNING, line, element, text);
		return;
	}
	conf_notice(
	    r, LOG_LEVEL_NOTICE, line, element, "has no meaning here, ignored");
}
