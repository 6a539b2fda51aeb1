/*
 * Connections of scripts to other servers, and what they publish there: orders of
 * targets.h.
 *
 * A connection is made when the script says connect; the first stream goes over it,
 * each further one has a connection of its own.  A NetConnection is up while one of
 * these is, and stays so when the script has ended the last of them itself.
 *
 * When the process of the script dies, what it publishes goes on, parked: a new one
 * that connects to the same address is told that it is connected, and what it
 * publishes there under the same name is what was parked.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "master/master.h"
#include "master/scripts_own.h"
#include "master/streams.h"
#include "master/targets.h"
#include "rtmp/amfjson.h"
#include "shm/directory.h"

struct remote_nc {
	struct remote_nc *next;
	struct script *s;
	json_int_t nc;
	struct target *bare; /* its connection, while nothing goes over it */
	bool keep;	     /* autoReconnect */
	bool up, failed;     /* the script was told that */
	uint32_t argslen;
	char inst[CONF_NAME];
	char args[IPC_ARGS_MAX]; /* AMF0 */
	char url[IPC_URL_MAX + 1];
};

struct remote_push {
	struct remote_push *next;
	struct script *s;
	json_int_t nc, ns;
	struct target *target;
	bool up; /* the script was told that */
	char inst[CONF_NAME];
	size_t keylen;
	char key[DIR_KEY_MAX];
};

static bool
same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static struct remote_nc *
find_nc(const struct script *s, const char *inst, json_int_t nc)
{
	struct remote_nc *c = s->rncs;
	while (c != NULL && (c->nc != nc || !same(c->inst, inst)))
		c = c->next;
	return c;
}

static struct remote_push *
find_push(const struct script *s, const char *inst, json_int_t ns)
{
	struct remote_push *p = s->rpushes;
	while (p != NULL && (p->ns != ns || !same(p->inst, inst)))
		p = p->next;
	return p;
}

/* With the keys that its address may have. */
static void
free_nc(struct remote_nc *c)
{
	struct remote_nc **at = &c->s->rncs;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	explicit_bzero(c, sizeof *c);
	free(c);
}

static void
take_out(struct remote_push **list, struct remote_push *p)
{
	while (*list != p)
		list = &(*list)->next;
	*list = p->next;
}

static void
say_ns(struct master *m, const struct remote_push *p, const char *code,
    const char *text)
{
	json_t *a = scripts_message("ns", p->inst);
	json_object_set_new(a, "ns", json_integer(p->ns));
	json_object_set_new(a, "code", json_string(code));
	json_object_set_new(a, "text", log_text(text, strlen(text)));
	scripts_tell(m, p->s, a);
}

static void
say_nc(struct master *m, const struct remote_nc *c, const char *code,
    const char *text)
{
	scripts_say_nc(m, c->s, c->inst, c->nc, code, text);
}

/* What a worker says of a failure, for the author of a script. */
static const char *
words(const struct ipc_pushed *d)
{
	if (d->reason == REASON_LOOP)
		return "the address is this server itself: connect to "
		       "rtmp://localhost/app/instance";
	return d->error;
}

/* The state of a connection. ---------------------------------------------- */

static void
is_up(struct master *m, struct remote_nc *c)
{
	if (c == NULL || c->up)
		return;
	c->up = true;
	c->failed = false;
	say_nc(m, c, "NetConnection.Connect.Success", "");
}

/* Is one of its streams there? */
static bool
has_push(const struct remote_nc *c, bool any)
{
	for (const struct remote_push *p = c->s->rpushes; p; p = p->next)
		if (p->nc == c->nc && same(p->inst, c->inst) && (any || p->up))
			return true;
	return false;
}

/* Did it refuse the connection, not the stream? */
static bool
is_rejected(const struct ipc_pushed *d)
{
	bool said_no = d->state == PUSHED_REFUSED ||
		       (d->state == PUSHED_OVER && d->refused);
	return said_no && strncmp(d->code, "NetStream.", 10) != 0;
}

static void
say_down(struct master *m, struct remote_nc *c, const struct ipc_pushed *d)
{
	const char *code = is_rejected(d) ? "NetConnection.Connect.Rejected"
			   : c->up	  ? "NetConnection.Connect.Closed"
					  : "NetConnection.Connect.Failed";
	if (c->failed)
		return; /* once, until it is up again */
	c->failed = true;
	c->up = false;
	say_nc(m, c, code, words(d));
}

/* Nothing of it is left: so says the script's side too. */
static void
is_over(struct master *m, struct remote_nc *c, const struct ipc_pushed *d)
{
	c->failed = false;
	say_down(m, c, d);
	free_nc(c);
}

static void
told_bare(
    struct master *m, struct target *t, void *owner, const struct ipc_pushed *d)
{
	struct remote_nc *c = owner;
	(void)t;
	switch ((enum pushed_state)d->state) {
	case PUSHED_CONNECTING:
		break;
	case PUSHED_UP:
		is_up(m, c);
		break;
	case PUSHED_LOST:
	case PUSHED_REFUSED:
		if (!has_push(c, false))
			say_down(m, c, d);
		break;
	case PUSHED_OVER:
		c->bare = NULL;
		if (!has_push(c, true))
			is_over(m, c, d);
		break;
	}
}

/* Of a server's _result or _error, to the script. */
static void
say_answer(struct master *m, struct script *s, const char *inst, json_int_t nc,
    const struct ipc_called *d)
{
	static char text[8 * IPC_CALL_MAX];
	struct reader r;
	struct writer wr;
	struct amf0_value v;
	json_t *value = NULL, *call = json_integer((json_int_t)d->call);
	reader_init(&r, d->value, d->valuelen);
	writer_init(&wr, text, sizeof text);
	if (d->valuelen > 0 && amf0_read(&r, &v) == AMF0_OK &&
	    amfjson_value(&wr, &v) == AMF0_OK)
		value = json_loadb(
		    text, wr.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (value == NULL && (!d->ok || d->valuelen > 0)) {
		scripts_say_failed(m, s, inst, nc, call,
		    "the server gave no answer that can be handed on");
	} else {
		json_t *a = scripts_message("nc_result", inst);
		json_object_set_new(a, "nc", json_integer(nc));
		json_object_set(a, "call", call);
		json_object_set_new(a, "ok", json_boolean(d->ok != 0));
		json_object_set_new(a, "value", value ? value : json_null());
		scripts_tell(m, s, a);
	}
	json_decref(call);
}

static void
bare_answered(
    struct master *m, struct target *t, void *owner, const struct ipc_called *d)
{
	const struct remote_nc *c = owner;
	(void)t;
	say_answer(m, c->s, c->inst, c->nc, d);
}

static const struct target_ops bare_ops = { .told = told_bare,
	.answered = bare_answered };

/* The state of a stream. -------------------------------------------------- */

/* It ended by itself: why, and what that means for its connection. */
static void
push_over(struct master *m, struct remote_push *p, const struct ipc_pushed *d)
{
	struct remote_nc *c = find_nc(p->s, p->inst, p->nc);
	take_out(&p->s->rpushes, p);
	if (d->reason == REASON_UNPUBLISHED)
		say_ns(m, p, "NetStream.Unpublish.Success", "");
	else if (d->refused && !is_rejected(d))
		say_ns(m, p,
		    same(d->code, "NetStream.Publish.BadName")
			? d->code
			: "NetStream.Failed",
		    words(d));
	else if (c == NULL || c->bare != NULL || has_push(c, true))
		say_ns(m, p, "NetStream.Failed", words(d));
	else
		is_over(m, c, d); /* with which its streams fail */
	free(p);
}

static void
told_push(
    struct master *m, struct target *t, void *owner, const struct ipc_pushed *d)
{
	struct remote_push *p = owner;
	struct remote_nc *c = find_nc(p->s, p->inst, p->nc);
	(void)t;
	switch ((enum pushed_state)d->state) {
	case PUSHED_CONNECTING:
		break;
	case PUSHED_UP:
		if (p->up)
			break;
		p->up = true;
		is_up(m, c);
		say_ns(m, p, "NetStream.Publish.Start", "");
		break;
	case PUSHED_LOST:
	case PUSHED_REFUSED:
		p->up = false;
		if (c != NULL && c->bare == NULL && !has_push(c, false))
			say_down(m, c, d);
		break;
	case PUSHED_OVER:
		push_over(m, p, d);
		break;
	}
}

static void
push_answered(
    struct master *m, struct target *t, void *owner, const struct ipc_called *d)
{
	const struct remote_push *p = owner;
	(void)t;
	say_answer(m, p->s, p->inst, p->nc, d);
}

static const struct target_ops push_ops = { .told = told_push,
	.answered = push_answered };

static void
told_parked(
    struct master *m, struct target *t, void *owner, const struct ipc_pushed *d)
{
	struct remote_push *p = owner;
	(void)m;
	(void)t;
	if (d->state != PUSHED_OVER)
		return;
	take_out(&p->s->parked, p);
	free(p);
}

static const struct target_ops parked_ops = { .told = told_parked };

/* What the script says. --------------------------------------------------- */

/* Does something go to that address that nobody has taken over yet? */
static bool
is_parked(const struct script *s, const char *inst, const char *url)
{
	for (const struct remote_push *p = s->parked; p != NULL; p = p->next)
		if (same(p->inst, inst) &&
		    targets_goes_to(p->target, span_of(url)))
			return true;
	return false;
}

/* JSON of the script as AMF0.  False: it does not fit. */
static bool
write_args(struct writer *wr, const json_t *args)
{
	char *text =
	    json_is_array(args) ? json_dumps(args, JSON_COMPACT) : NULL;
	bool good = text == NULL || amfjson_parse_args(wr, span_of(text));
	free(text);
	return good && writer_ok(wr);
}

static bool
set_args(struct remote_nc *c, const json_t *args)
{
	struct writer wr;
	writer_init(&wr, c->args, sizeof c->args);
	bool good = write_args(&wr, args);
	c->argslen = (uint32_t)wr.len;
	return good;
}

static struct target_spec
spec_of(const struct remote_nc *c)
{
	return (struct target_spec){ .url = span_of(c->url),
		.args = { c->args, c->argslen },
		.lag_ms = PUSH_LAG_MIN,
		.keep = c->keep };
}

static struct target *
connect_bare(struct master *m, struct remote_nc *c, const char **why)
{
	struct target_spec spec = spec_of(c);
	char key[IPC_KEY_MAX + 1];
	int n = snprintf(key, sizeof key, "%s%c%s%c%s%c", c->s->vhost, 0,
	    c->s->app, 0, c->inst, 0);
	if (n > IPC_KEY_MAX) {
		*why = "the name of the instance is too long";
		return NULL;
	}
	spec.key = (struct span){ key, (size_t)n };
	return targets_start(m, &spec, &bare_ops, c, why);
}

void
scripts_remote_open(
    struct master *m, struct script *s, const char *inst, const json_t *j)
{
	struct remote_nc *c = calloc(1, sizeof *c);
	const char *url = scripts_text(j, "url"), *why = NULL;
	json_int_t nc = json_integer_value(json_object_get(j, "nc"));
	if (c == NULL || strlen(url) >= sizeof c->url ||
	    strlen(inst) >= sizeof c->inst)
		why = "the address is too long";
	else if (!set_args(c, json_object_get(j, "args")))
		why = "the arguments of connect are too long";
	if (why == NULL) {
		c->s = s;
		c->nc = nc;
		c->keep = json_is_true(json_object_get(j, "auto"));
		strcpy(c->inst, inst);
		strcpy(c->url, url);
		bool parked = is_parked(s, inst, url);
		if (!parked)
			c->bare = connect_bare(m, c, &why);
		if (parked || c->bare != NULL) {
			c->next = s->rncs;
			s->rncs = c;
			if (parked)
				is_up(m, c);
			return;
		}
	}
	free(c);
	scripts_say_nc(m, s, inst, nc, "NetConnection.Connect.Failed", why);
}

/* By the script: the server is told. */
static void
end_push(struct master *m, struct remote_push *p)
{
	take_out(&p->s->rpushes, p);
	targets_end(m, p->target, true);
	say_ns(m, p, "NetStream.Unpublish.Success", "");
	free(p);
}

bool
scripts_remote_close(
    struct master *m, struct script *s, const char *inst, json_int_t nc)
{
	struct remote_nc *c = find_nc(s, inst, nc);
	if (c == NULL)
		return false;
	for (struct remote_push *p = s->rpushes, *next; p != NULL; p = next) {
		next = p->next;
		if (p->nc == nc && same(p->inst, inst))
			end_push(m, p);
	}
	if (c->bare != NULL)
		targets_end(m, c->bare, true);
	say_nc(m, c, "NetConnection.Connect.Closed", "");
	free_nc(c);
	return true;
}

static bool
read_mode(const char *text, enum push_mode *mode)
{
	static const char *const name[PUSH_MODES] = { "live", "record",
		"append" };
	for (unsigned i = 0; i < PUSH_MODES; i++)
		if (same(text, name[i])) {
			*mode = (enum push_mode)i;
			return true;
		}
	return false;
}

/* What was parked goes on as p. */
static bool
take_over(
    struct master *m, struct remote_push *p, const struct target_spec *spec)
{
	struct remote_push *q = p->s->parked;
	while (q != NULL &&
	       !(same(q->inst, p->inst) &&
		   targets_is(q->target, spec->key, spec->url, spec->name)))
		q = q->next;
	if (q == NULL)
		return false;
	p->target = q->target;
	take_out(&p->s->parked, q);
	free(q);
	targets_give(p->target, &push_ops, p);
	targets_set_lag(m, p->target, spec->lag_ms);
	return true;
}

/* Returns why it cannot be; else p->target does it. */
static const char *
begin(struct master *m, struct remote_nc *c, struct remote_push *p,
    struct target_spec *spec)
{
	const char *why = NULL;
	if (p->keylen == 0 || spec->name.len == 0)
		return "the name is empty or too long";
	if (!streams_is_live(m, p->key, p->keylen))
		return "the stream is not live in this instance";
	spec->via = streams_via(m, p->key, p->keylen, &spec->hops);
	if (take_over(m, p, spec))
		return NULL;
	if (c->bare == NULL) {
		p->target = targets_start(m, spec, &push_ops, p, &why);
		return why;
	}
	why = targets_publish(m, c->bare, spec);
	if (why != NULL)
		return why;
	p->target = c->bare;
	c->bare = NULL;
	targets_give(p->target, &push_ops, p);
	return NULL;
}

static void
start_push(struct master *m, struct remote_nc *c, struct remote_push *p,
    const json_t *j)
{
	struct target_spec spec = spec_of(c);
	json_int_t ms = json_integer_value(json_object_get(j, "buffer_ms"));
	const char *stream = scripts_text(j, "stream"),
		   *why = "expected live, record or append";
	spec.name = span_of(scripts_text(j, "target"));
	spec.lag_ms = scripts_lag_ms(ms);
	p->keylen = directory_make_key(p->key, p->s->vhost, strlen(p->s->vhost),
	    p->s->app, strlen(p->s->app), p->inst, strlen(p->inst), stream,
	    strcspn(stream, "?"));
	spec.key = (struct span){ p->key, p->keylen };
	if (read_mode(scripts_text(j, "mode"), &spec.mode))
		why = begin(m, c, p, &spec);
	if (why != NULL) {
		say_ns(m, p, "NetStream.Publish.BadName", why);
		free(p);
		return;
	}
	p->next = p->s->rpushes;
	p->s->rpushes = p;
	if (targets_seen(p->target)->state == PUSHED_UP)
		told_push(m, p->target, p, targets_seen(p->target));
}

bool
scripts_remote_push(
    struct master *m, struct script *s, const char *inst, const json_t *j)
{
	json_int_t nc = json_integer_value(json_object_get(j, "nc")),
		   ns = json_integer_value(json_object_get(j, "ns"));
	struct remote_nc *c = find_nc(s, inst, nc);
	if (c == NULL)
		return false;
	struct remote_push *p =
	    find_push(s, inst, ns) == NULL ? calloc(1, sizeof *p) : NULL;
	if (p == NULL)
		return true; /* malformed, or no memory */
	p->s = s;
	p->nc = nc;
	p->ns = ns;
	strcpy(p->inst, c->inst);
	start_push(m, c, p, j);
	return true;
}

/* The connection of c that methods are called on; NULL: none is up. */
static struct target *
line_of(const struct remote_nc *c)
{
	for (const struct remote_push *p = c->s->rpushes; p; p = p->next)
		if (p->nc == c->nc && same(p->inst, c->inst) && p->up)
			return p->target;
	return c->bare;
}

bool
scripts_remote_call(
    struct master *m, struct script *s, const char *inst, const json_t *j)
{
	json_int_t nc = json_integer_value(json_object_get(j, "nc"));
	const json_t *call = json_object_get(j, "call");
	const char *why = "the connection is not there";
	const struct remote_nc *c = find_nc(s, inst, nc);
	char args[IPC_CALL_MAX];
	struct writer wr;
	if (c == NULL)
		return false;
	struct target *t = line_of(c);
	json_int_t n = json_is_integer(call) ? json_integer_value(call) : 0;
	writer_init(&wr, args, sizeof args);
	if (!write_args(&wr, json_object_get(j, "args")))
		why = "the arguments are too long";
	else if (t != NULL)
		why = targets_call(m, t, n > 0 ? (uint64_t)n : 0,
		    scripts_text(j, "method"), (struct span){ args, wr.len });
	if (why != NULL)
		scripts_say_failed(m, s, inst, nc, call, why);
	return true;
}

bool
scripts_remote_end(
    struct master *m, struct script *s, const char *inst, json_int_t ns)
{
	struct remote_push *p = find_push(s, inst, ns);
	if (p != NULL)
		end_push(m, p);
	return p != NULL;
}

void
scripts_remote_buffer(struct master *m, struct script *s, const char *inst,
    json_int_t ns, json_int_t ms)
{
	struct remote_push *p = find_push(s, inst, ns);
	if (p != NULL)
		targets_set_lag(m, p->target, scripts_lag_ms(ms));
}

void
scripts_remote_forget(struct master *m, struct script *s)
{
	struct remote_push *p;
	while (s->rncs != NULL) {
		if (s->rncs->bare != NULL)
			targets_end(m, s->rncs->bare, true);
		free_nc(s->rncs);
	}
	while ((p = s->rpushes) != NULL) {
		s->rpushes = p->next;
		p->next = s->parked;
		s->parked = p;
		targets_give(p->target, &parked_ops, p);
	}
}

static void
told_nobody(
    struct master *m, struct target *t, void *owner, const struct ipc_pushed *d)
{
	(void)m;
	(void)t;
	(void)owner;
	(void)d;
}

static const struct target_ops nobody_ops = { .told = told_nobody };

void
scripts_remote_free(struct script *s)
{
	struct remote_push *p;
	while ((p = s->parked) != NULL) {
		s->parked = p->next;
		targets_give(p->target, &nobody_ops, NULL);
		free(p);
	}
}
