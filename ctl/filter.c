#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "ctl/filter.h"
#include "ctl/text.h"

struct wanted {
	const char *app, *stream, *role;
	long worker; /* -1: any */
	bool by_addr, by_lag, virtual;
	struct addr_net net;
	uint64_t lag;
};

static int
expected(char *err, size_t errlen, const char *option, const char *what)
{
	snprintf(err, errlen, "--%s: expected %s", option, what);
	return -1;
}

static bool
is_role(const char *text)
{
	static const char *const roles[] = { "new", "idle", "publish", "play",
		"wait", "upstream", "edge", "virtual" };
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (strcmp(text, roles[i]) == 0)
			return true;
	return false;
}

static int
parse(const struct ctl *c, struct wanted *w, char *err, size_t errlen)
{
	const char *addr = c->option[OPTION_ADDR],
		   *slow = c->option[OPTION_SLOW],
		   *worker = c->option[OPTION_WORKER];
	char why[160], *end = NULL;
	*w = (struct wanted){ .app = c->option[OPTION_APP],
		.stream = c->option[OPTION_STREAM],
		.role = c->option[OPTION_ROLE],
		.worker = worker ? strtol(worker, &end, 10) : -1,
		.by_addr = addr != NULL,
		.by_lag = slow != NULL,
		.virtual = c->option[OPTION_VIRTUAL] != NULL };
	w->virtual |= w->role != NULL && strcmp(w->role, "virtual") == 0;
	if (worker && (end == worker || *end || w->worker < 0))
		return expected(err, errlen, "worker", "the number of a slot");
	if (addr &&
	    addr_net_parse(addr, strlen(addr), &w->net, why, sizeof why) != 0)
		return expected(err, errlen, "addr", why);
	if (slow && !text_size(slow, &w->lag))
		return expected(err, errlen, "slow", "bytes, as 64K or 1M");
	if (w->role && !is_role(w->role))
		return expected(err, errlen, "role",
		    "new, idle, publish, play, wait, upstream, edge or "
		    "virtual");
	return 0;
}

static const char *
text(const json_t *row, const char *member)
{
	const char *s = json_string_value(json_object_get(row, member));
	return s ? s : "";
}

static json_int_t
worker_of(const json_t *row)
{
	const json_t *w = json_object_get(row, "worker");
	if (w == NULL)
		w = json_object_get(
		    json_object_get(row, "publisher"), "worker");
	return json_is_integer(w) ? json_integer_value(w) : -1;
}

static bool
fits(const struct wanted *w, const json_t *row)
{
	struct addr a;
	const char *stream = json_object_get(row, "stream")
				 ? text(row, "stream")
				 : text(row, "name");
	json_int_t lag = json_integer_value(json_object_get(row, "lag_bytes"));
	/* only clients have a role */
	if ((strcmp(text(row, "role"), "virtual") == 0) != w->virtual &&
	    json_object_get(row, "role") != NULL)
		return false;
	return (!w->app || strcmp(w->app, text(row, "app")) == 0) &&
	       (!w->stream || text_match(w->stream, stream)) &&
	       (!w->role || strcmp(w->role, text(row, "role")) == 0) &&
	       (w->worker < 0 || w->worker == worker_of(row)) &&
	       (!w->by_lag || (lag > 0 && (uint64_t)lag >= w->lag)) &&
	       (!w->by_addr || (addr_parse_peer(text(row, "addr"), &a) == 0 &&
				   addr_net_has(&w->net, &a)));
}

int
filter_rows(const struct ctl *c, json_t *rows, char *err, size_t errlen)
{
	struct wanted w;
	if (parse(c, &w, err, errlen) != 0)
		return -1;
	for (size_t i = json_array_size(rows); i-- > 0;)
		if (!fits(&w, json_array_get(rows, i)))
			json_array_remove(rows, i);
	return 0;
}

static int
part(char *to, size_t cap, const char *from, size_t len)
{
	if (len == 0 || len >= cap)
		return -1;
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

int
stream_name_parse(const char *s, struct stream_name *n)
{
	const char *first = strchr(s, '/'), *last = strrchr(s, '/');
	if (first == NULL || strchr(s, '?'))
		return -1;
	memcpy(n->instance, "_definst_", sizeof "_definst_");
	if (part(n->app, sizeof n->app, s, (size_t)(first - s)) != 0 ||
	    part(n->name, sizeof n->name, last + 1, strlen(last + 1)) != 0)
		return -1;
	return first == last ? 0
			     : part(n->instance, sizeof n->instance, first + 1,
				   (size_t)(last - first) - 1);
}
