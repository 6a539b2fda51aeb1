/*
 * verb - the table of commands and what a command line becomes.
 */
#ifndef CTL_VERB_H
#define CTL_VERB_H

#include <stdbool.h>
#include <stdio.h>

#include "ctl/attach.h"

enum option_id {
#define VERB(id, noun, verb, args, min, max, options, text, more, example)
#define OPTION(id, name, arg, text) OPTION_##id,
#include "ctl/verbs.def"
#undef VERB
#undef OPTION
	OPTION_COUNT
};

enum { VERB_ARGS_MAX = 4 };

struct verb;

/* A command as it was typed. */
struct ctl {
	const char *run;
	bool json;
	const struct verb *verb;
	const char *arg[VERB_ARGS_MAX];
	unsigned nargs;
	const char *option[OPTION_COUNT]; /* NULL: not given; flags are "" */
};

typedef enum ctl_exit verb_fn(const struct ctl *c);

struct verb {
	const char *noun, *name, *args;
	unsigned min, max;
	const char *options, *text, *more, *example;
	verb_fn *run;
};

struct verb_option {
	const char *name, *arg, *text;
};

extern const struct verb verbs[];
extern const unsigned verbs_count;
extern const struct verb_option verb_options[];

#define VERB(id, noun, verb, args, min, max, options, text, more, example)     \
	verb_fn verb_##id;
#define OPTION(id, name, arg, text)
#include "ctl/verbs.def"
#undef VERB
#undef OPTION

/* Does the verb take that option? */
bool verb_takes(const struct verb *v, enum option_id o);

/*
 * Fill c in from the words of a command line.
 * Returns	CTL_DONE: c->verb is to be run, or NULL when the words asked
 *		for help, which is printed; CTL_USAGE after saying why
 */
enum ctl_exit verb_parse(struct ctl *c, int argc, char **argv);

/* Help: of one verb, of those of a noun, or of all (NULLs). */
void help_print(FILE *out, const char *noun, const char *verb);
/* Unknown words: what may have been meant. */
void help_near(const char *noun);

#endif
