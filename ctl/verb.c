#include "config.h"

#include <string.h>

#include "ctl/text.h"
#include "ctl/verb.h"

#define OPTION(id, name, arg, text)
#define VERB(id, noun, verb, args, min, max, options, text, more, example)     \
	{ noun, verb, args, min, max, options, text, more, example, verb_##id },
const struct verb verbs[] = {
#include "ctl/verbs.def"
};
#undef VERB
#undef OPTION
const unsigned verbs_count = sizeof verbs / sizeof *verbs;

#define VERB(id, noun, verb, args, min, max, options, text, more, example)
#define OPTION(id, name, arg, text) { name, arg, text },
const struct verb_option verb_options[] = {
#include "ctl/verbs.def"
};
#undef VERB
#undef OPTION

bool
verb_takes(const struct verb *v, enum option_id o)
{
	char name[32];
	snprintf(name, sizeof name, " %s ", verb_options[o].name);
	return strstr(v->options, name) != NULL;
}

static const struct verb *
find_verb(const char *noun, const char *name)
{
	for (unsigned i = 0; i < verbs_count; i++)
		if (strcmp(noun, verbs[i].noun) == 0 && name &&
		    strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

static enum ctl_exit
complain(const char *what, const char *word)
{
	char safe[TEXT_CELL];
	text_safe(safe, sizeof safe, word, strlen(word));
	fprintf(stderr, "sluicectl: %s %s\n", what, safe);
	return CTL_USAGE;
}

/* What stands before everything, or anywhere: -j, -r RUN, -h. */
struct globals {
	bool help, version;
};

/* The option that `word` names, OPTION_COUNT if there is none. */
static enum option_id
option_named(const char *word, size_t len)
{
	unsigned o = 0;
	if (len == 1 && word[0] == 'f')
		return OPTION_FOLLOW;
	if (len == 1 && word[0] == 'n')
		return OPTION_LINES;
	while (o < OPTION_COUNT &&
	       (strncmp(verb_options[o].name, word, len) != 0 ||
		   verb_options[o].name[len] != '\0'))
		o++;
	return (enum option_id)o;
}

/*
 * argv[i] begins with '-': an option of this command, or one of all.
 * Returns the words that it takes, or -1 after saying why.
 */
static int
take_option(struct ctl *c, struct globals *g, char **argv, int i, int argc)
{
	const char *word = argv[i] + 1 + (argv[i][1] == '-');
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : strlen(word);
	const char *next = i + 1 < argc ? argv[i + 1] : NULL;
#define IS(s, l) ((len == 1 && word[0] == (s)) || strcmp(word, l) == 0)
	if (IS('h', "help") || IS('V', "version")) {
		g->version |= word[0] == 'V' || word[0] == 'v';
		g->help |= word[0] == 'h';
		return 1;
	}
	if (IS('j', "json")) {
		c->json = true;
		return 1;
	}
	bool run = IS('r', "run") || strncmp(word, "run=", 4) == 0;
#undef IS
	enum option_id o = run ? OPTION_COUNT : option_named(word, len);
	bool flag = !run && o < OPTION_COUNT && !*verb_options[o].arg;
	if (!run && o == OPTION_COUNT) {
		(void)complain("unknown option", argv[i]);
		return -1;
	}
	value = value ? value + 1 : flag ? "" : next;
	if (value == NULL) {
		(void)complain("a value is missing behind", argv[i]);
		return -1;
	}
	if (run)
		c->run = value;
	else
		c->option[o] = value;
	return value == next && !flag ? 2 : 1;
}

/* Options that this verb does not have. */
static enum ctl_exit
check_options(const struct ctl *c)
{
	for (unsigned o = 0; o < OPTION_COUNT; o++)
		if (c->option[o] && !verb_takes(c->verb, (enum option_id)o)) {
			fprintf(stderr, "sluicectl: %s %s has no option --%s\n",
			    c->verb->noun, c->verb->name, verb_options[o].name);
			help_print(stderr, c->verb->noun, c->verb->name);
			return CTL_USAGE;
		}
	return CTL_DONE;
}

static enum ctl_exit
unknown(const char *const *word, unsigned n)
{
	char safe[TEXT_CELL];
	fputs("sluicectl: unknown command:", stderr);
	for (unsigned i = 0; i < n; i++) {
		text_safe(safe, sizeof safe, word[i], strlen(word[i]));
		fprintf(stderr, " %s", safe);
	}
	fputc('\n', stderr);
	help_near(word[0]);
	return CTL_USAGE;
}

static enum ctl_exit
choose(struct ctl *c, const char *const *word, unsigned n, bool help)
{
	bool asked = strcmp(word[0], "help") == 0;
	if (asked || help) {
		const char *noun = n > asked ? word[asked] : NULL;
		const char *name = n > asked + 1u ? word[asked + 1] : NULL;
		help_print(stdout, noun, name);
		return CTL_DONE;
	}
	c->verb = find_verb(word[0], n > 1 ? word[1] : NULL);
	if (c->verb == NULL)
		return unknown(word, n);
	c->nargs = n - 2;
	if (c->nargs < c->verb->min || c->nargs > c->verb->max) {
		fprintf(stderr, "sluicectl: %s %s: expected %s\n",
		    c->verb->noun, c->verb->name,
		    *c->verb->args ? c->verb->args : "no argument");
		help_print(stderr, c->verb->noun, c->verb->name);
		return CTL_USAGE;
	}
	for (unsigned i = 0; i < c->nargs; i++)
		c->arg[i] = word[2 + i];
	return check_options(c);
}

enum ctl_exit
verb_parse(struct ctl *c, int argc, char **argv)
{
	struct globals g = { 0 };
	const char *word[2 + VERB_ARGS_MAX];
	unsigned n = 0;
	for (int i = 1; i < argc;) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			int took = take_option(c, &g, argv, i, argc);
			if (took < 0)
				return CTL_USAGE;
			i += took;
		} else if (n == 2 + VERB_ARGS_MAX) {
			return complain("too many words:", argv[i]);
		} else {
			word[n++] = argv[i++];
		}
	}
	if (g.version) {
		puts("sluicectl " PACKAGE_VERSION);
		return CTL_DONE;
	}
	if (n == 0) {
		help_print(g.help ? stdout : stderr, NULL, NULL);
		return g.help ? CTL_DONE : CTL_USAGE;
	}
	return choose(c, word, n, g.help);
}
