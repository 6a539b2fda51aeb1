#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "master/conf_xml.h"
#include "master/master.h"
#include "master/republish.h"
#include "master/streams.h"
#include "master/target_rule.h"
#include "master/targets.h"
#include "shm/directory.h"

enum { RETRY_MS = 10000 };

struct republish {
	TAILQ_HEAD(, rule) rules;
	uint32_t next_id, n;
	uint64_t retry_ns; /* nothing is to be tried again before */
};

struct republish *
republish_new(void)
{
	struct republish *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	TAILQ_INIT(&s->rules);
	s->retry_ns = UINT64_MAX;
	return s;
}

void
republish_free(struct republish *s)
{
	struct rule *r;
	struct sent *e;
	if (s == NULL)
		return;
	while ((r = TAILQ_FIRST(&s->rules)) != NULL) {
		while ((e = TAILQ_FIRST(&r->sent)) != NULL) {
			TAILQ_REMOVE(&r->sent, e, next);
			free(e);
		}
		TAILQ_REMOVE(&s->rules, r, next);
		free(r);
	}
	free(s);
}

/* One stream of a rule. --------------------------------------------------- */

static void
forget(struct sent *e)
{
	TAILQ_REMOVE(&e->rule->sent, e, next);
	free(e);
}

static void
retry_later(struct master *m, struct sent *e)
{
	struct republish *s = m->republish;
	e->target = NULL;
	e->retry_ns = mono_add_ms(clock_now(), RETRY_MS).ns;
	if (e->retry_ns < s->retry_ns)
		s->retry_ns = e->retry_ns;
}

static void
told(
    struct master *m, struct target *t, void *owner, const struct ipc_pushed *d)
{
	struct sent *e = owner;
	(void)t;
	if (d->state == PUSHED_OVER && d->reason == REASON_UNPUBLISHED) {
		forget(e);
		return;
	}
	/* the last error stays to be seen */
	struct ipc_pushed before = e->seen;
	e->seen = *d;
	if (d->error[0] == '\0') {
		memcpy(e->seen.error, before.error, sizeof before.error);
		memcpy(e->seen.code, before.code, sizeof before.code);
	}
	if (d->state == PUSHED_OVER)
		retry_later(m, e);
}

static const struct target_ops ops = { .told = told };

/* It cannot begin. */
static void
fail(struct master *m, struct sent *e, const char *what, const char *why)
{
	char text[IPC_TEXT_MAX];
	snprintf(text, sizeof text, "%s%s", what, why);
	if (strcmp(text, e->seen.error) != 0)
		LOG(push_refused, .vhost = directory_part(e->key, e->keylen, 0),
		    .app = directory_part(e->key, e->keylen, 1),
		    .instance = directory_part(e->key, e->keylen, 2),
		    .stream = directory_part(e->key, e->keylen, 3), .hop = "",
		    .reason = REASON_INTERNAL, .text = text);
	memcpy(e->seen.error, text, sizeof text);
	e->seen.state = PUSHED_OVER;
	retry_later(m, e);
}

static void
order(struct master *m, struct sent *e, const struct target_facts *f)
{
	const struct conf_target *what = &e->rule->what;
	char url[IPC_URL_MAX + 1], name[IPC_NAME_MAX + 1];
	const char *why = "the address or the name is too long";
	if (target_rule_url(what, f, url, sizeof url) &&
	    target_rule_name(what, f, name, sizeof name)) {
		struct target_spec spec = { .key = { e->key, e->keylen },
			.url = span_of(url),
			.name = span_of(name),
			.lag_ms = what->lag_ms,
			.keep = true,
			.secret = target_rule_has_key(what) };
		spec.via = streams_via(m, e->key, e->keylen, &spec.hops);
		e->target = targets_start(m, &spec, &ops, e, &why);
	}
	explicit_bzero(url, sizeof url);
	explicit_bzero(name, sizeof name);
	if (e->target == NULL)
		fail(m, e, "", why);
}

static void
begin(struct master *m, struct sent *e)
{
	char key[TARGET_KEY_MAX] = "";
	const char *why = target_rule_has_key(&e->rule->what)
			      ? target_rule_key(&e->rule->what, key)
			      : NULL;
	struct target_facts f = { .app = directory_part(e->key, e->keylen, 1),
		.instance = directory_part(e->key, e->keylen, 2),
		.stream = directory_part(e->key, e->keylen, 3),
		.key = span_of(key) };
	e->retry_ns = 0;
	e->seen.state = PUSHED_CONNECTING;
	if (why != NULL)
		fail(m, e, "keyfile: ", why);
	else
		order(m, e, &f);
	explicit_bzero(key, sizeof key);
}

static bool
is_for(const struct rule *r, const char *key, size_t keylen)
{
	return span_is(directory_part(key, keylen, 0), r->vhost) &&
	       (r->what.app[0] == '\0' ||
		   span_is(directory_part(key, keylen, 1), r->what.app)) &&
	       target_rule_is_for(&r->what, directory_part(key, keylen, 2),
		   directory_part(key, keylen, 3));
}

static void
consider(struct master *m, struct rule *r, const char *key, size_t keylen)
{
	struct sent *e;
	if (m->stopping || !is_for(r, key, keylen))
		return;
	TAILQ_FOREACH (e, &r->sent, next)
		if (e->keylen == keylen && memcmp(e->key, key, keylen) == 0)
			break;
	if (e != NULL && e->target != NULL)
		return;
	if (e == NULL) {
		e = calloc(1, sizeof *e);
		if (e == NULL)
			return;
		e->rule = r;
		e->keylen = keylen;
		memcpy(e->key, key, keylen);
		TAILQ_INSERT_TAIL(&r->sent, e, next);
	}
	e->since_ns = clock_now().ns;
	begin(m, e);
}

void
republish_stream(struct master *m, const char *key, size_t keylen)
{
	struct rule *r;
	TAILQ_FOREACH (r, &m->republish->rules, next)
		consider(m, r, key, keylen);
}

uint64_t
republish_tick(struct master *m, uint64_t now_ns)
{
	struct republish *s = m->republish;
	struct rule *r;
	struct sent *e, *after;
	if (now_ns < s->retry_ns)
		return s->retry_ns;
	s->retry_ns = UINT64_MAX;
	TAILQ_FOREACH (r, &s->rules, next)
		for (e = TAILQ_FIRST(&r->sent); e != NULL; e = after) {
			after = TAILQ_NEXT(e, next);
			if (e->retry_ns == 0)
				continue;
			if (!streams_is_live(m, e->key, e->keylen))
				forget(e);
			else if (e->retry_ns <= now_ns)
				begin(m, e);
			else if (e->retry_ns < s->retry_ns)
				s->retry_ns = e->retry_ns;
		}
	return s->retry_ns;
}

/* Rules. ------------------------------------------------------------------ */

const struct rule *
republish_next(const struct republish *s, const struct rule *r)
{
	return r == NULL ? TAILQ_FIRST(&s->rules) : TAILQ_NEXT(r, next);
}

static void
each_live(struct master *m, void *arg, const char *key, size_t keylen,
    uint64_t client)
{
	(void)client;
	consider(m, arg, key, keylen);
}

static struct rule *
new_rule(struct master *m, const char *vhost, const struct conf_target *what,
    bool added)
{
	struct republish *s = m->republish;
	struct rule *r =
	    s->n < 2 * CONF_TARGETS_MAX ? calloc(1, sizeof *r) : NULL;
	if (r == NULL)
		return NULL;
	r->id = ++s->next_id;
	r->added = added;
	r->what = *what;
	snprintf(r->vhost, sizeof r->vhost, "%s", vhost);
	TAILQ_INIT(&r->sent);
	TAILQ_INSERT_TAIL(&s->rules, r, next);
	s->n++;
	LOG(republish_add, .target = r->id, .vhost = span_of(r->vhost),
	    .app = span_of(r->what.app), .added = added);
	streams_each_live(m, each_live, r);
	return r;
}

static void
drop_rule(struct master *m, struct rule *r)
{
	struct sent *e;
	LOG(republish_remove, .target = r->id, .vhost = span_of(r->vhost),
	    .app = span_of(r->what.app));
	while ((e = TAILQ_FIRST(&r->sent)) != NULL) {
		if (e->target != NULL)
			targets_end(m, e->target, true);
		forget(e);
	}
	TAILQ_REMOVE(&m->republish->rules, r, next);
	m->republish->n--;
	free(r);
}

const struct rule *
republish_add(
    struct master *m, const char *vhost, const struct conf_target *what)
{
	return new_rule(m, vhost, what, true);
}

bool
republish_remove(struct master *m, uint32_t id)
{
	struct rule *r;
	TAILQ_FOREACH (r, &m->republish->rules, next)
		if (r->id == id) {
			drop_rule(m, r);
			return true;
		}
	return false;
}

/* The same, whatever its buffer. */
static bool
is_same(const struct rule *r, const char *vhost, const struct conf_target *w)
{
	return !r->added && !r->again && strcmp(r->vhost, vhost) == 0 &&
	       strcmp(r->what.app, w->app) == 0 &&
	       strcmp(r->what.url, w->url) == 0 &&
	       strcmp(r->what.stream, w->stream) == 0 &&
	       strcmp(r->what.when, w->when) == 0 &&
	       strcmp(r->what.keyfile, w->keyfile) == 0;
}

static void
set_buffer(struct master *m, struct rule *r, uint32_t lag_ms)
{
	struct sent *e;
	if (r->what.lag_ms == lag_ms)
		return;
	r->what.lag_ms = lag_ms;
	TAILQ_FOREACH (e, &r->sent, next)
		if (e->target != NULL)
			targets_set_lag(m, e->target, lag_ms);
}

/* Is it one of the rules that there are? */
static bool
is_known(struct master *m, const char *vhost, const struct conf_target *w)
{
	struct rule *r;
	TAILQ_FOREACH (r, &m->republish->rules, next)
		if (is_same(r, vhost, w)) {
			r->again = true;
			set_buffer(m, r, w->lag_ms);
			return true;
		}
	return false;
}

unsigned
republish_take(struct master *m, const struct conf *c)
{
	struct rule *r, *after;
	bool known[CONF_TARGETS_MAX];
	TAILQ_FOREACH (r, &m->republish->rules, next)
		r->again = r->added;
	for (uint32_t i = 0; i < c->ntargets; i++) {
		const struct conf_target *w = conf_target_at(c, i);
		known[i] = is_known(m, conf_vhost(c, w->vhost)->name, w);
	}
	/* those that have gone make room for others at the same place */
	for (r = TAILQ_FIRST(&m->republish->rules); r != NULL; r = after) {
		after = TAILQ_NEXT(r, next);
		if (!r->again)
			drop_rule(m, r);
	}
	for (uint32_t i = 0; i < c->ntargets; i++) {
		const struct conf_target *w = conf_target_at(c, i);
		if (!known[i])
			(void)new_rule(
			    m, conf_vhost(c, w->vhost)->name, w, false);
	}
	return c->ntargets;
}

/* What is wrong with a configuration, in one line. */
static void
complain(const struct master *m, const struct conf_report *rep, char *err,
    size_t errlen)
{
	for (unsigned i = 0; rep->faults == 0 && i < rep->nnotices; i++) {
		const struct conf_notice *n = &rep->notice[i];
		if (n->level != LOG_LEVEL_ERROR)
			continue;
		snprintf(err, errlen, "%s:%d: %s: %s; nothing was changed",
		    n->file, n->line, n->element, n->text);
		return;
	}
	snprintf(err, errlen,
	    "the configuration has faults, and nothing was changed: "
	    "sluice -t -c %s names them",
	    m->conf_path);
}

int
republish_reload(struct master *m, char *err, size_t errlen)
{
	static struct conf_report rep;
	struct conf *c = NULL;
	int r = conf_load(m->conf_path, false, &c, &rep);
	if (r != 0 || rep.app_faults > 0) {
		complain(m, &rep, err, errlen);
		r = -1;
	} else {
		(void)republish_take(m, c);
	}
	LOG(republish_reload, .targets = r == 0 ? m->republish->n : 0,
	    .done = r == 0, .text = r == 0 ? "" : err);
	free(c);
	return r;
}
