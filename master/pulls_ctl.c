#include "config.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "master/control.h"
#include "master/master.h"
#include "master/pulls.h"
#include "master/pulls_ctl.h"
#include "shm/directory.h"

/* What of a packet is left to all that is not a row. */
enum { FRAME = 256 };

static const char *
state_name(uint32_t state)
{
	static const char *const name[] = {
		[PULL_CONNECTING] = "connecting",
		[PULL_WAITING] = "waiting",
		[PULL_LIVE] = "live",
		[PULL_SILENT] = "silent",
		[PULL_RETRY] = "retry",
		[PULL_REFUSED] = "refused",
	};
	return state < sizeof name / sizeof *name ? name[state] : "unknown";
}

static void
add_key(json_t *j, const struct pull *p)
{
	static const char *const part[] = { "vhost", "app", "instance",
		"stream" };
	for (unsigned i = 0; i < sizeof part / sizeof *part; i++) {
		size_t len;
		const char *s = directory_key_part(p->text, p->keylen, i, &len);
		json_object_set_new(j, part[i], log_text(s, len));
	}
}

static json_t *
text_or_null(const char *s)
{
	return *s ? log_text(s, strlen(s)) : json_null();
}

static json_t *
number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? 0 : (json_int_t)n);
}

static json_t *
row(const struct pull *p, struct mono now)
{
	const struct ipc_pulled *d = &p->seen;
	uint64_t age = mono_ms_since((struct mono){ p->since_ns }, now);
	json_t *j = json_object();
	add_key(j, p);
	json_object_set_new(j, "id", number(p->id));
	json_object_set_new(j, "state", json_string(state_name(d->state)));
	json_object_set_new(
	    j, "worker", p->slot < 0 ? json_null() : json_integer(p->slot));
	json_object_set_new(j, "route", text_or_null(d->hop));
	json_object_set_new(j, "addr", text_or_null(d->addr));
	json_object_set_new(j, "entry", number(d->entry));
	json_object_set_new(j, "since_s", json_real((double)age / 1000));
	json_object_set_new(j, "bytes", number(d->bytes));
	json_object_set_new(j, "delay_ms",
	    d->media_ns == 0
		? json_null()
		: number(mono_ms_since((struct mono){ d->media_ns }, now)));
	json_object_set_new(j, "retries", number(d->retries));
	json_object_set_new(j, "error", text_or_null(d->error));
	json_object_set_new(j, "wanted_by",
	    json_integer(__builtin_popcountll((unsigned long long)p->wants)));
	return j;
}

json_t *
pulls_ctl_list(struct master *m, const json_t *req)
{
	const json_t *after = json_object_get(req, "after");
	json_int_t from = json_integer_value(after);
	struct mono now = clock_now();
	size_t size = FRAME;
	uint32_t place = 0;
	if (after && (!json_is_integer(after) || from < 0 || from > UINT32_MAX))
		return control_refusal("after: expected a place");
	json_t *list = json_array(), *next = NULL;
	place = (uint32_t)from;
	for (const struct pull *p; (p = pulls_next(m->pulls, &place));) {
		json_t *j = row(p, now);
		size += json_dumpb(j, NULL, 0, JSON_COMPACT) + 1;
		if (size > CONTROL_ANSWER_MAX) {
			json_decref(j);
			next = json_integer(place - 1);
			break;
		}
		json_array_append_new(list, j);
	}
	return json_pack("{s:b, s:o, s:o}", "ok", 1, "pulls", list, "next",
	    next ? next : json_null());
}

json_t *
pulls_ctl_rebalance(struct master *m)
{
	uint32_t n = pulls_count(m->pulls);
	LOG(edge_rebalance, .pulls = n);
	pulls_rebalance(m);
	return json_pack("{s:b, s:I}", "ok", 1, "pulls", (json_int_t)n);
}
