/*
 * ctl-doc man|bash - the COMMANDS of sluicectl(8), and the completion of bash,
 * from the table of verbs.  Used while building and by t/lint/ctl.sh.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ctl/verb.h"

#define VERB(id, noun, verb, args, min, max, options, text, more, example)     \
	{ noun, verb, args, min, max, options, text, more, example, NULL },
#define OPTION(id, name, arg, text)
static const struct verb table[] = {
#include "ctl/verbs.def"
};
#undef VERB
#undef OPTION
#define VERB(id, noun, verb, args, min, max, options, text, more, example)
#define OPTION(id, name, arg, text) { name, arg, text },
static const struct verb_option options[] = {
#include "ctl/verbs.def"
};
#undef VERB
#undef OPTION

enum { VERBS = sizeof table / sizeof *table };

static bool
takes(const struct verb *v, const char *option)
{
	char name[32];
	snprintf(name, sizeof name, " %s ", option);
	return strstr(v->options, name) != NULL;
}

/*
 * Text for mdoc: a line for each sentence and of at most 72 characters, no
 * macro by accident.
 */
static void
put_text(const char *s)
{
	unsigned at = 0;
	while (*s) {
		size_t n = strcspn(s, " ");
		if (at > 0)
			putchar(at + n > 72 || s[-2] == '.' ? '\n' : ' ');
		if (at + n > 72 || (at > 0 && s[-2] == '.'))
			at = 0;
		if (at == 0 && (*s == '.' || *s == '\''))
			fputs("\\&", stdout);
		for (size_t i = 0; i < n; i++)
			if (s[i] == '\\' || s[i] == '-')
				printf("\\%c", s[i] == '-' ? '-' : 'e');
			else
				putchar(s[i]);
		at += (unsigned)n + 1;
		s += n + (s[n] == ' ');
	}
	putchar('\n');
}

static void
man_options(const struct verb *v)
{
	bool any = false;
	for (unsigned o = 0; o < OPTION_COUNT; o++) {
		if (!takes(v, options[o].name))
			continue;
		if (!any)
			puts(".Bl -tag -width Ds -compact");
		any = true;
		printf(".It Fl \\-%s", options[o].name);
		if (*options[o].arg)
			printf(" Ar %s", options[o].arg);
		putchar('\n');
		put_text(options[o].text);
	}
	if (any)
		puts(".El");
}

static void
man(void)
{
	puts(".Bl -tag -width Ds");
	for (unsigned i = 0; i < VERBS; i++) {
		const struct verb *v = &table[i];
		printf(".It Cm %s %s", v->noun, v->name);
		if (*v->args)
			printf(" Ar %s", v->args);
		putchar('\n');
		char text[256];
		snprintf(text, sizeof text, "%c%s.",
		    toupper((unsigned char)v->text[0]), v->text + 1);
		put_text(text);
		if (*v->more)
			put_text(v->more);
		man_options(v);
	}
	puts(".It Cm help Op Ar noun Op Ar verb");
	puts("The same in short, of all commands, of a noun, or of one.");
	puts(".El");
}

/* Words of one kind, each once. */
static void
bash_verbs(const char *noun)
{
	for (unsigned i = 0; i < VERBS; i++)
		if (strcmp(table[i].noun, noun) == 0)
			printf(" %s", table[i].name);
}

static void
bash(void)
{
	puts("# bash completion for sluicectl(8), made from ctl/verbs.def\n"
	     "_sluicectl() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=() w\n"
	     "\tfor w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	     "\t\t[[ $w == -* ]] || words+=(\"$w\")\n"
	     "\tdone\n"
	     "\tCOMPREPLY=()\n"
	     "\tcase \"${words[*]}\" in");
	fputs("\t'') w='help", stdout);
	for (unsigned i = 0; i < VERBS; i++)
		if (i == 0 || strcmp(table[i].noun, table[i - 1].noun) != 0)
			printf(" %s", table[i].noun);
	puts(" -j -r' ;;");
	for (unsigned i = 0; i < VERBS; i++) {
		if (i > 0 && strcmp(table[i].noun, table[i - 1].noun) == 0)
			continue;
		printf("\t'%s') w='", table[i].noun);
		bash_verbs(table[i].noun);
		puts("' ;;");
	}
	for (unsigned i = 0; i < VERBS; i++) {
		printf("\t'%s %s'*) w='-j", table[i].noun, table[i].name);
		for (unsigned o = 0; o < OPTION_COUNT; o++)
			if (takes(&table[i], options[o].name))
				printf(" --%s", options[o].name);
		puts("' ;;");
	}
	puts("\t*) w= ;;\n"
	     "\tesac\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$w\" -- \"$cur\")\n"
	     "}\n"
	     "complete -F _sluicectl sluicectl");
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "man") == 0)
		man();
	else if (argc == 2 && strcmp(argv[1], "bash") == 0)
		bash();
	else
		return 2;
	return 0;
}
