#include "config.h"

#include <string.h>

#include "ctl/text.h"
#include "ctl/verb.h"

enum { WIDTH = 24 };

static void
print_options(FILE *out, const struct verb *v)
{
	char head[64];
	for (unsigned o = 0; o < OPTION_COUNT; o++) {
		const struct verb_option *d = &verb_options[o];
		if (!verb_takes(v, (enum option_id)o))
			continue;
		snprintf(head, sizeof head, "--%s%s%s", d->name,
		    *d->arg ? " " : "", d->arg);
		fprintf(out, "  %-*s %s\n", WIDTH, head, d->text);
	}
}

static void
print_verb(FILE *out, const struct verb *v)
{
	fprintf(out, "usage: sluicectl [-j] [-r RUN] %s %s%s%s%s\n\n%s.\n",
	    v->noun, v->name, *v->args ? " " : "", v->args,
	    *v->options ? " [OPTIONS]" : "", v->text);
	if (*v->more)
		fprintf(out, "%s\n", v->more);
	if (*v->options) {
		fputc('\n', out);
		print_options(out, v);
	}
	fprintf(out, "\nexample: sluicectl %s\n", v->example);
}

static void
print_line(FILE *out, const struct verb *v)
{
	char head[64];
	snprintf(head, sizeof head, "%s %s%s%s", v->noun, v->name,
	    *v->args ? " " : "", v->args);
	fprintf(out, "  %-*s %s\n", WIDTH, head, v->text);
}

void
help_print(FILE *out, const char *noun, const char *verb)
{
	bool any = false;
	for (unsigned i = 0; noun && verb && i < verbs_count; i++)
		if (strcmp(noun, verbs[i].noun) == 0 &&
		    strcmp(verb, verbs[i].name) == 0) {
			print_verb(out, &verbs[i]);
			return;
		}
	for (unsigned i = 0; i < verbs_count; i++) {
		const struct verb *v = &verbs[i];
		if (noun && strcmp(noun, v->noun) != 0)
			continue;
		if (!any)
			fprintf(out,
			    "usage: sluicectl [-j] [-r RUN] NOUN VERB ...\n"
			    "       sluicectl help [NOUN [VERB]] | -h | -V\n\n"
			    "  -j                       JSON instead of a "
			    "table\n"
			    "  -r RUN                   run directory of the "
			    "server (%s)\n\n",
			    SLUICE_RUN_DIR);
		any = true;
		print_line(out, v);
	}
	if (!any)
		help_near(noun);
}

/* May somebody who typed word have meant name? */
static bool
is_near(const char *word, const char *name)
{
	size_t n = strlen(word);
	return (n > 0 && strncmp(word, name, n) == 0) ||
	       text_distance(word, name) <= 2;
}

void
help_near(const char *noun)
{
	bool any = false;
	for (unsigned i = 0; i < verbs_count; i++)
		any |= is_near(noun, verbs[i].noun);
	fputs(any ? "did you mean:\n" : "the commands are:\n", stderr);
	for (unsigned i = 0; i < verbs_count; i++)
		if (!any || is_near(noun, verbs[i].noun))
			print_line(stderr, &verbs[i]);
}
