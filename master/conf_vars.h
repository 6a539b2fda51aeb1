/*
 * conf_vars - NAME = value of sluice.ini (ams.ini, fms.ini), and ${NAME} in
 * text.  A comment line begins with #; blanks around name and value are
 * dropped, in double quotes they are kept.  ${%NAME%} is an environment
 * variable; ROOT and CONF are set by the reader of the tree.
 * Used by conf_xml.c, at start.  Pure but for the environment.
 */
#ifndef MASTER_CONF_VARS_H
#define MASTER_CONF_VARS_H

#include <stdbool.h>
#include <stddef.h>

enum { CONF_VARS_MAX = 256, CONF_VAR_NAME = 64, CONF_VAR_VALUE = 512 };

struct conf_vars {
	/* ${stream}, ${app}, ${instance}, ${key} stay: for target_rule.h */
	bool later;
	unsigned n;
	struct conf_var {
		char name[CONF_VAR_NAME], value[CONF_VAR_VALUE];
	} var[CONF_VARS_MAX];
};

/* Set name to value, a second time too.  Returns 0 or -1: no room. */
int conf_vars_set(struct conf_vars *v, const char *name, const char *value);

/*
 * Take one line of an .ini file.
 * Returns 0, or -1 with what was expected in err.
 */
int conf_vars_line(
    struct conf_vars *v, const char *line, char *err, size_t errlen);

/*
 * Copy text to out with every ${NAME} replaced.
 * Returns 0, or -1 with what is wrong in err.
 */
int conf_vars_expand(const struct conf_vars *v, const char *text, char *out,
    size_t outlen, char *err, size_t errlen);

#endif
