/* sluicectl route explain: which way a URL takes, and why. */
#include "config.h"

#include <stdio.h>

#include "ctl/output.h"
#include "ctl/text.h"
#include "ctl/verb.h"

static const char *
word(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));
	return s != NULL ? s : "-";
}

static void
print_text(const json_t *a)
{
	size_t i;
	const json_t *e;
	printf(
	    "virtual host  %s (%s)\n", word(a, "vhost"), word(a, "vhost_by"));
	printf("application   %s, %s\n", word(a, "app"), word(a, "app_is"));
	printf("mode          %s\n", word(a, "mode"));
	json_array_foreach(json_object_get(a, "entries"), i, e)
	    printf("line %-8lld %s  ->  %s  (%s)\n",
		(long long)json_integer_value(json_object_get(e, "line")),
		word(e, "entry"), word(e, "to"), word(e, "why"));
	long long more = json_integer_value(json_object_get(a, "not_shown"));
	if (more > 0)
		printf("              %lld more that do not match\n", more);
	printf("result        %s\n", word(a, "result"));
}

enum ctl_exit
verb_route_explain(const struct ctl *c)
{
	char err[4 * TEXT_CELL];
	json_t *answer;
	enum ctl_exit rc = attach_ask(c->run,
	    json_pack("{s:s, s:s}", "command", "route", "url", c->arg[0]),
	    &answer, err, sizeof err);
	if (rc != CTL_DONE) {
		fprintf(stderr, "sluicectl: %s\n", err);
		return rc;
	}
	if (c->json)
		(void)output_json.show(stdout, NULL, answer);
	else
		print_text(answer);
	json_decref(answer);
	return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}
