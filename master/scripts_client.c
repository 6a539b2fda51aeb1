/* What scripts are told of clients, and say about them: see scripts_clients.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "master/master.h"
#include "master/scripts.h"
#include "master/scripts_clients.h"
#include "shm/directory.h"

/* Table. ------------------------------------------------------------------ */

struct client *
scripts_client(const struct master *m, uint64_t id)
{
	const struct client_table *t = m->scripts->clients;
	struct client *c = NULL;
	if (t != NULL)
		LIST_FOREACH (c, &t->bucket[id % CLIENT_BUCKETS], next_id)
			if (c->id == id)
				break;
	return c;
}

void
scripts_client_set(struct client *c, enum client_state state)
{
	bool before = c->state != CLIENT_IN, after = state != CLIENT_IN;
	c->s->nwaiting += after;
	c->s->nwaiting -= before;
	c->state = state;
}

static void
drop_connect(struct client *c)
{
	if (c->connect != NULL)
		explicit_bzero(c->connect, c->len);
	free(c->connect);
	c->connect = NULL;
	c->len = 0;
}

static void
forget(struct client *c)
{
	if (c->counted)
		scripts_left(c->s, c->inst);
	scripts_client_set(c, CLIENT_IN);
	TAILQ_REMOVE(&c->s->clients, c, next);
	LIST_REMOVE(c, next_id);
	drop_connect(c);
	free(c);
}

static struct span
part(struct span key, unsigned i)
{
	return directory_part(key.p, key.len, i);
}

static struct client *
make(struct master *m, struct script *s, unsigned slot, const struct talk *t)
{
	struct scripts *all = m->scripts;
	struct span inst = part(t->field[TALK_KEY], 2);
	if (all->clients == NULL)
		all->clients = calloc(1, sizeof *all->clients);
	struct client *c = all->clients ? calloc(1, sizeof *c) : NULL;
	char *kept = c ? malloc(TALK_MAX) : NULL;
	if (kept == NULL || inst.len >= sizeof c->inst) {
		free(kept);
		free(c);
		return NULL;
	}
	c->s = s;
	c->id = t->client;
	c->slot = slot;
	c->since_ns = clock_now().ns;
	memcpy(c->inst, inst.p, inst.len);
	c->len = talk_pack(t, kept, TALK_MAX);
	c->connect = realloc(kept, c->len);
	if (c->connect == NULL)
		c->connect = kept;
	s->nwaiting++;
	TAILQ_INSERT_TAIL(&s->clients, c, next);
	LIST_INSERT_HEAD(
	    &all->clients->bucket[c->id % CLIENT_BUCKETS], c, next_id);
	return c;
}

/* Answers. ---------------------------------------------------------------- */

void
scripts_client_say(struct master *m, const struct client *c,
    enum talk_kind kind, double number, const char *text)
{
	struct talk t = { .kind = kind, .client = c->id, .number = number };
	t.field[0] = span_of(text);
	scripts_say(m, c->slot, &t);
}

static void
say_gone(struct master *m, const struct client *c)
{
	char id[24];
	if (c->s->pid == 0 || !c->counted)
		return;
	json_t *j = scripts_message("gone", c->inst);
	snprintf(id, sizeof id, "%" PRIu64, c->id);
	json_object_set_new(j, "client", json_string(id));
	scripts_tell(m, c->s, j);
}

void
scripts_client_end(struct master *m, struct client *c)
{
	say_gone(m, c);
	forget(c);
}

/* It does not get in, or must leave. */
void
scripts_client_refuse(struct master *m, struct client *c, const char *text)
{
	scripts_client_say(m, c, c->in ? TALK_DROP : TALK_REJECT, 0, text);
	scripts_client_end(m, c);
}

/* Telling. ---------------------------------------------------------------- */

static json_t *
text_of(struct span s)
{
	return log_text(s.p, s.len);
}

/* Without its port. */
static struct span
host_of(struct span addr)
{
	for (size_t n = addr.len; n > 0; n--)
		if (addr.p[n - 1] == ':')
			return span_head(addr, n - 1);
	return addr;
}

/* JSON of a worker; what is none is `instead`, which is taken. */
static json_t *
value_of(struct span s, json_t *instead)
{
	json_t *j =
	    json_loadb(s.p, s.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
	if (j == NULL || (json_is_array(instead) && !json_is_array(j))) {
		json_decref(j);
		return instead;
	}
	json_decref(instead);
	return j;
}

static json_t *
client_message(const struct client *c, const char *kind)
{
	char id[24];
	json_t *j = scripts_message(kind, c->inst);
	snprintf(id, sizeof id, "%" PRIu64, c->id);
	json_object_set_new(j, "client", json_string(id));
	return j;
}

static json_t *
connect_message(const struct client *c, const struct talk *t)
{
	json_t *j = client_message(c, "connect");
	json_object_set_new(j, "n", json_integer(c->n));
	json_object_set_new(j, "addr", text_of(host_of(t->field[TALK_ADDR])));
	json_object_set_new(j, "agent", text_of(t->field[TALK_AGENT]));
	json_object_set_new(j, "uri", text_of(t->field[TALK_URL]));
	json_object_set_new(j, "page", text_of(t->field[TALK_PAGE]));
	json_object_set_new(j, "swf", text_of(t->field[TALK_SWF]));
	json_object_set_new(j, "secure", json_false());
	json_object_set_new(
	    j, "args", value_of(t->field[TALK_ARGS], json_array()));
	return j;
}

/* Tell the process of c, if it can be told now; c may be gone afterwards. */
void
scripts_client_tell(struct master *m, struct client *c)
{
	struct talk t;
	struct script *s = c->s;
	if (s->pid == 0 || s->killed || s->quit_ns != 0)
		return;
	if (talk_unpack(c->connect, c->len, &t) != 0) {
		scripts_client_refuse(m, c,
		    "the application's script was started again, and what "
		    "this client said with connect is too long to be kept");
		return;
	}
	struct instance *i = scripts_begin(m, s, span_of(c->inst));
	if (i == NULL) {
		scripts_client_refuse(m, c,
		    "the application's script serves as many instances as it "
		    "may");
		return;
	}
	c->n = ++m->scripts->next_n;
	int r = scripts_offer(m, s, connect_message(c, &t));
	if (r == -EMSGSIZE)
		scripts_client_refuse(m, c,
		    "the arguments of connect are too long for the "
		    "application's script");
	if (r != 0)
		return; /* or it waits for room */
	c->told_ns = clock_now().ns;
	c->stale = c->restricted;
	c->counted = true;
	i->clients++;
	scripts_used(i);
	scripts_client_set(c, CLIENT_TOLD);
}

void
scripts_client_asks(struct master *m, unsigned slot, const struct talk *t)
{
	struct span key = t->field[TALK_KEY];
	struct talk a = { .kind = TALK_ACCEPT, .client = t->client };
	size_t n;
	if (directory_key_part(key.p, key.len, 2, &n) == NULL || n == 0 ||
	    scripts_client(m, t->client) != NULL || m->stopping)
		return;
	struct script *s = scripts_named(m, part(key, 0), part(key, 1), true);
	if (s == NULL) {
		scripts_say(m, slot, &a); /* its script was taken away */
		return;
	}
	struct client *c = make(m, s, slot, t);
	if (c == NULL) {
		a.kind = TALK_REJECT;
		a.field[0] = span_of("the server has no memory for it");
		scripts_say(m, slot, &a);
	} else if (s->pid == 0 && s->respawn_ns == 0) {
		scripts_run(m, s);
	} else {
		s->again |= s->quit_ns != 0;
		scripts_client_tell(m, c);
	}
}

void
scripts_clients_replay(struct master *m, struct script *s)
{
	struct client *c, *after;
	for (c = TAILQ_FIRST(&s->clients); c != NULL; c = after) {
		after = TAILQ_NEXT(c, next);
		if (c->state == CLIENT_WAITS)
			scripts_client_tell(m, c);
	}
}

/* Calls. ------------------------------------------------------------------ */

static struct client *
client_of(struct master *m, unsigned slot, const struct talk *t)
{
	struct client *c = scripts_client(m, t->client);
	return c != NULL && c->slot == slot ? c : NULL;
}

void
scripts_client_calls(struct master *m, unsigned slot, const struct talk *t)
{
	struct client *c = client_of(m, slot, t);
	if (c == NULL)
		return;
	json_t *j = client_message(c, "call");
	json_object_set_new(
	    j, "seq", t->number != 0 ? json_real(t->number) : json_null());
	json_object_set_new(j, "method", text_of(t->field[0]));
	json_object_set_new(j, "args", value_of(t->field[1], json_array()));
	int r = -EAGAIN;
	if (c->state == CLIENT_IN && c->s->pid != 0)
		r = scripts_offer(m, c->s, j);
	else
		json_decref(j);
	if (t->number == 0)
		return;
	if (r == 0)
		c->calls++;
	else
		scripts_client_say(m, c, TALK_FAIL, t->number,
		    r == -EAGAIN     ? "the application's script is being "
				       "started again"
		    : r == -EMSGSIZE ? "the arguments are too long for the "
				       "application's script"
				     : "the application's script has too "
				       "much to do");
}

void
scripts_client_returns(struct master *m, unsigned slot, const struct talk *t)
{
	struct client *c = client_of(m, slot, t);
	if (c == NULL || c->state != CLIENT_IN || c->s->pid == 0)
		return;
	json_t *j = client_message(c, "result");
	json_object_set_new(j, "call", json_real(t->number));
	json_object_set_new(j, "ok", json_boolean(t->flag));
	json_object_set_new(j, "value", value_of(t->field[0], json_null()));
	(void)scripts_offer(m, c->s, j);
}

/* What scripts say. --------------------------------------------------------- */

static struct client *
client_named(const struct master *m, const struct script *s, const json_t *j)
{
	const char *id = scripts_text(j, "client");
	char *end;
	if (*id < '0' || *id > '9')
		return NULL;
	struct client *c = scripts_client(m, strtoull(id, &end, 10));
	return *end == '\0' && c != NULL && c->s == s &&
		       strcmp(c->inst, scripts_text(j, "inst")) == 0
		   ? c
		   : NULL;
}

/* A value as text, to be freed; NULL: there is none. */
static char *
dump(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);
	return v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static struct span
span_or_empty(const char *text)
{
	return text ? span_of(text) : (struct span){ "", 0 };
}

static void
say_access(
    struct master *m, struct client *c, const char *read, const char *write)
{
	struct talk t = { .kind = TALK_ACCESS, .client = c->id };
	t.field[0] = span_of(read);
	t.field[1] = span_of(write);
	scripts_say(m, c->slot, &t);
	c->restricted = true;
	c->stale = false;
}

static void
accepted(struct master *m, struct client *c)
{
	if (c->stale)
		say_access(m, c, "/", "/");
	if (!c->in)
		scripts_client_say(m, c, TALK_ACCEPT, 0, "");
	c->in = true;
	scripts_client_set(c, CLIENT_IN);
	if (c->len > CLIENT_KEEP)
		drop_connect(c);
}

/* reject, redirect */
static void
rejected(struct master *m, struct client *c, const json_t *j, bool redirect)
{
	char *info =
	    json_is_null(json_object_get(j, "info")) ? NULL : dump(j, "info");
	struct talk t = { .client = c->id };
	t.kind = c->in ? TALK_DROP : redirect ? TALK_REDIRECT : TALK_REJECT;
	t.field[0] = span_of(scripts_text(j, "text"));
	t.field[1] = span_or_empty(info);
	t.field[2] = span_of(scripts_text(j, "url"));
	scripts_say(m, c->slot, &t);
	free(info);
	scripts_client_end(m, c);
}

static void
answered(struct master *m, struct client *c, const char *kind, const json_t *j)
{
	if (c->state == CLIENT_WAITS || c->state == CLIENT_IN)
		return; /* it was not asked */
	if (strcmp(kind, "accept") == 0)
		accepted(m, c);
	else if (strcmp(kind, "pending") == 0)
		scripts_client_set(c, CLIENT_LATER);
	else
		rejected(m, c, j, strcmp(kind, "redirect") == 0);
}

static void
returned(struct master *m, struct client *c, const char *kind, const json_t *j)
{
	bool ok = strcmp(kind, "return") == 0;
	double seq = json_number_value(json_object_get(j, "seq"));
	char *value = ok ? dump(j, "value") : NULL;
	struct talk t = { .kind = ok ? TALK_RETURN : TALK_FAIL,
		.client = c->id,
		.number = seq };
	t.field[0] =
	    ok ? span_or_empty(value) : span_of(scripts_text(j, "text"));
	if (seq != 0 && c->calls > 0) {
		c->calls--;
		scripts_say(m, c->slot, &t);
	}
	free(value);
}

static void
invoked(struct master *m, const struct client *c, const json_t *j)
{
	char *args = dump(j, "args");
	struct talk t = { .kind = TALK_INVOKE,
		.client = c->id,
		.number = json_number_value(json_object_get(j, "call")) };
	t.field[0] = span_of(scripts_text(j, "method"));
	t.field[1] = span_or_empty(args);
	scripts_say(m, c->slot, &t);
	free(args);
}

static void
broadcast(struct master *m, const struct script *s, const json_t *j)
{
	char key[3 * CONF_NAME];
	char *args = dump(j, "args");
	const char *inst = scripts_text(j, "inst");
	int n = snprintf(
	    key, sizeof key, "%s%c%s%c%s", s->vhost, '\0', s->app, '\0', inst);
	struct talk t = { .kind = TALK_BROADCAST };
	t.field[0] = span_of(scripts_text(j, "method"));
	t.field[1] = span_or_empty(args);
	t.field[2] = (struct span){ key, (size_t)n };
	for (unsigned i = 0; i < m->nslots && n < (int)sizeof key; i++)
		scripts_say(m, i, &t);
	free(args);
}

/* The script cannot be loaded: nobody in that instance will be answered. */
static void
failed(struct master *m, struct script *s, const json_t *j)
{
	struct client *c, *after;
	for (c = TAILQ_FIRST(&s->clients); c != NULL; c = after) {
		after = TAILQ_NEXT(c, next);
		if (strcmp(c->inst, scripts_text(j, "inst")) != 0 ||
		    c->state == CLIENT_WAITS || c->state == CLIENT_IN)
			continue;
		if (c->in)
			scripts_client_set(
			    c, CLIENT_LATER); /* it stays as it is */
		else
			scripts_client_refuse(m, c,
			    "the application's script cannot be loaded: see "
			    "the server's log");
	}
}

/* Other messages of a script are lost then, or there are few of them. */
static void
too_noisy(struct script *s)
{
	if (s->killed)
		return;
	s->noisy = true;
	scripts_kill(s);
}

bool
scripts_client_message(
    struct master *m, struct script *s, const char *kind, const json_t *j)
{
	static const char *const kinds[] = { "accept", "pending", "reject",
		"redirect", "drop", "access", "return", "error", "invoke" };
	enum { DROP = 4, ACCESS = 5, INVOKE = 8 };
	unsigned k = 0;
	if (strcmp(kind, "failed") == 0)
		failed(m, s, j);
	if (strcmp(kind, "broadcast") == 0) {
		broadcast(m, s, j);
		return true;
	}
	while (k <= INVOKE && strcmp(kind, kinds[k]) != 0)
		k++;
	if (k > INVOKE)
		return false;
	struct client *c = client_named(m, s, j);
	if (c == NULL)
		return true;
	if (k < DROP)
		answered(m, c, kind, j);
	else if (k == DROP)
		scripts_client_refuse(
		    m, c, "disconnected by the application's script");
	else if (k == ACCESS && scripts_talk_full(m, c->slot))
		too_noisy(s);
	else if (k == ACCESS)
		say_access(
		    m, c, scripts_text(j, "read"), scripts_text(j, "write"));
	else if (k < INVOKE)
		returned(m, c, kind, j);
	else if (c->state == CLIENT_IN)
		invoked(m, c, j);
	return true;
}

void
scripts_clients_free(struct script *s)
{
	struct client *c;
	while ((c = TAILQ_FIRST(&s->clients)) != NULL)
		forget(c);
}
