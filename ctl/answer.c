#include "config.h"

#include <stdio.h>

#include "ctl/answer.h"
#include "ctl/attach.h"

enum ctl_exit
answer_rows(const char *run, const char *command, const char *member,
    json_t *rows, char *err, size_t errlen)
{
	json_t *answer;
	json_int_t after = 0;
	for (bool more = true; more; json_decref(answer)) {
		enum ctl_exit rc = attach_ask(run,
		    json_pack("{s:s, s:I}", "command", command, "after", after),
		    &answer, err, errlen);
		if (rc != CTL_DONE)
			return rc;
		const json_t *next = json_object_get(answer, "next");
		more =
		    json_is_integer(next) && json_integer_value(next) > after;
		after = json_integer_value(next);
		json_array_extend(rows, json_object_get(answer, member));
	}
	return CTL_DONE;
}

enum ctl_exit
answer_failed(enum ctl_exit rc, const char *err)
{
	fprintf(stderr, "sluicectl: %s\n", err);
	return rc;
}

enum ctl_exit
answer_show(const struct ctl *c, const struct view *v, const json_t *doc)
{
	const struct output *o = c->json ? &output_json : &output_text;
	if (o->show(stdout, v, doc) == 0)
		return CTL_DONE;
	perror("sluicectl: standard output");
	return CTL_REFUSED;
}
