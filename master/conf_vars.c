#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/conf_vars.h"

static const char *
find(const struct conf_vars *v, const char *name)
{
	for (unsigned i = 0; i < v->n; i++)
		if (strcmp(v->var[i].name, name) == 0)
			return v->var[i].value;
	return NULL;
}

int
conf_vars_set(struct conf_vars *v, const char *name, const char *value)
{
	struct conf_var *var = NULL;
	for (unsigned i = 0; i < v->n; i++)
		if (strcmp(v->var[i].name, name) == 0)
			var = &v->var[i];
	if (strlen(name) >= CONF_VAR_NAME || strlen(value) >= CONF_VAR_VALUE ||
	    (!var && v->n >= CONF_VARS_MAX))
		return -1;
	if (!var)
		var = &v->var[v->n++];
	snprintf(var->name, sizeof var->name, "%s", name);
	snprintf(var->value, sizeof var->value, "%s", value);
	return 0;
}

/* Copy [from, to) without blanks at its ends. */
static int
copy_trimmed(char *out, size_t cap, const char *from, const char *to)
{
	while (from < to && isspace((unsigned char)*from))
		from++;
	while (from < to && isspace((unsigned char)to[-1]))
		to--;
	size_t n = (size_t)(to - from);
	if (n >= cap)
		return -1;
	memcpy(out, from, n);
	out[n] = '\0';
	return 0;
}

static void
unquote(char *s)
{
	size_t n = strlen(s);
	if (n < 2 || s[0] != '"' || s[n - 1] != '"')
		return;
	memmove(s, s + 1, n - 2);
	s[n - 2] = '\0';
}

int
conf_vars_line(struct conf_vars *v, const char *line, char *err, size_t errlen)
{
	char name[CONF_VAR_NAME], value[CONF_VAR_VALUE];
	while (isspace((unsigned char)*line))
		line++;
	if (*line == '\0' || *line == '#')
		return 0;
	const char *eq = strchr(line, '=');
	if (!eq || eq == line) {
		snprintf(err, errlen, "NAME = value, or # and a comment");
		return -1;
	}
	if (copy_trimmed(name, sizeof name, line, eq) != 0 ||
	    copy_trimmed(value, sizeof value, eq + 1, eq + strlen(eq)) != 0) {
		snprintf(err, errlen,
		    "a name below %d and a value below %d "
		    "bytes",
		    CONF_VAR_NAME, CONF_VAR_VALUE);
		return -1;
	}
	unquote(value);
	if (strstr(value, "${")) {
		snprintf(err, errlen, "a value without ${ } in it");
		return -1;
	}
	if (conf_vars_set(v, name, value) != 0) {
		snprintf(err, errlen, "at most %d names", CONF_VARS_MAX);
		return -1;
	}
	return 0;
}

/* Value of the name in [from, to), or NULL. */
static const char *
value_of(const struct conf_vars *v, const char *from, const char *to)
{
	char name[CONF_VAR_NAME];
	if (copy_trimmed(name, sizeof name, from, to) != 0)
		return NULL;
	size_t n = strlen(name);
	if (n > 2 && name[0] == '%' && name[n - 1] == '%') {
		name[n - 1] = '\0';
		return getenv(name + 1);
	}
	return find(v, name);
}

/* Is the ${NAME} at text one that is replaced when a stream is known? */
static bool
is_later(const char *text)
{
	static const char *const name[] = { "${stream}", "${app}",
		"${instance}", "${key}" };
	for (unsigned i = 0; i < sizeof name / sizeof *name; i++)
		if (strncmp(text, name[i], strlen(name[i])) == 0)
			return true;
	return false;
}

int
conf_vars_expand(const struct conf_vars *v, const char *text, char *out,
    size_t outlen, char *err, size_t errlen)
{
	size_t used = 0;
	while (*text) {
		const char *from = text, *end = NULL;
		size_t n = 1;
		if (text[0] == '$' && text[1] == '{' &&
		    !(v->later && is_later(text))) {
			end = strchr(text, '}');
			if (!end) {
				snprintf(err, errlen, "a } after ${");
				return -1;
			}
			from = value_of(v, text + 2, end);
			if (!from) {
				snprintf(err, errlen,
				    "a NAME that sluice.ini defines, not "
				    "%.*s}",
				    (int)(end - text > 70 ? 70 : end - text),
				    text);
				return -1;
			}
			n = strlen(from);
		}
		if (used + n >= outlen) {
			snprintf(err, errlen, "text below %zu bytes", outlen);
			return -1;
		}
		memcpy(out + used, from, n);
		used += n;
		text = end ? end + 1 : text + 1;
	}
	out[used] = '\0';
	return 0;
}
