#include "config.h"

#include <string.h>

#include "common/cidr.h"
#include "master/auth.h"
#include "shm/directory.h"

const char *
auth_by_name(enum auth_by by)
{
	static const char *const names[] = { "deny", "allow", "key", "token",
		"nothing" };
	return names[by];
}

/* The value of the next "name=value" in the query from *at on. */
static bool
next_value(const struct auth_ask *a, size_t *at, const char *name,
    const char **value, size_t *len)
{
	size_t n = strlen(name);
	while (*at < a->querylen) {
		const char *p = a->query + *at;
		const char *amp = memchr(p, '&', a->querylen - *at);
		size_t size =
		    amp != NULL ? (size_t)(amp - p) : a->querylen - *at;
		*at += size + 1;
		if (size <= n || p[n] != '=' || memcmp(p, name, n) != 0)
			continue;
		*value = p + n + 1;
		*len = size - n - 1;
		return true;
	}
	return false;
}

/* All keys are compared, so that time says nothing about which fits. */
static struct auth_answer
check_key(const struct keys *k, const struct auth_ask *a, const char *text,
    size_t len)
{
	struct auth_answer r = { REASON_KEY_WRONG, AUTH_BY_KEY, 0, 0 };
	for (unsigned i = 0; i < k->n; i++) {
		const struct key *key = &k->key[i];
		if (key->kind == KEY_PLAIN &&
		    key_fits(key, a->what.key, a->what.keylen) &&
		    key_is(key, text, len) && r.line == 0) {
			r.why = REASON_NONE;
			r.line = key->line;
		}
	}
	return r;
}

/* The same scope with "*" as its stream's name; buf is for its key. */
static struct token_scope
every_stream(const struct token_scope *s, char buf[TOKEN_KEY_MAX])
{
	size_t n;
	struct token_scope all = *s;
	const char *name = directory_key_part(s->key, s->keylen, 3, &n);
	size_t head = (size_t)(name - s->key);
	if (s->keylen > TOKEN_KEY_MAX || head >= TOKEN_KEY_MAX)
		return all;
	memcpy(buf, s->key, head);
	buf[head] = '*';
	all.key = buf;
	all.keylen = head + 1;
	return all;
}

struct auth_answer
auth_check_token(const struct keys *k, const struct auth_ask *a,
    const char *text, size_t len)
{
	struct auth_answer r = { REASON_TOKEN_INVALID, AUTH_BY_TOKEN, 0, 0 };
	char buf[TOKEN_KEY_MAX];
	struct token t;
	if (token_parse(text, len, &t) != 0)
		return r;
	struct token_scope all = every_stream(&a->what, buf);
	for (unsigned i = 0; i < k->n && r.line == 0; i++) {
		const struct key *key = &k->key[i];
		if (key->kind == KEY_SIGN &&
		    key_fits(key, a->what.key, a->what.keylen) &&
		    (token_signed_by(&t, key->secret, &a->what) ||
			token_signed_by(&t, key->secret, &all)))
			r.line = key->line;
	}
	if (r.line == 0)
		return r;
	r.expires = t.expires;
	if (t.expires <= a->now)
		r.why = REASON_TOKEN_EXPIRED;
	else if (t.bound && (a->addr == NULL || !addr_net_has(&t.net, a->addr)))
		r.why = REASON_TOKEN_ADDRESS;
	else
		r.why = REASON_NONE;
	return r;
}

/* Whatever the client showed; the first that is good counts. */
static struct auth_answer
check_query(const struct keys *k, const struct auth_ask *a)
{
	struct auth_answer r = { REASON_KEY_MISSING, AUTH_BY_NOTHING, 0, 0 };
	const char *v;
	size_t n;
	for (size_t at = 0;
	     r.why != REASON_NONE && next_value(a, &at, "token", &v, &n);) {
		struct auth_answer t = auth_check_token(k, a, v, n);
		if (r.by != AUTH_BY_TOKEN || t.line != 0)
			r = t;
	}
	for (size_t at = 0;
	     r.why != REASON_NONE && next_value(a, &at, "key", &v, &n);) {
		struct auth_answer t = check_key(k, a, v, n);
		if (t.why == REASON_NONE || r.by == AUTH_BY_NOTHING)
			r = t;
	}
	return r;
}

struct auth_answer
auth_decide(const struct auth_rules *r, const struct auth_ask *a)
{
	if (cidr_list_has(r->deny, a->addr, a->local))
		return (
		    struct auth_answer){ REASON_DENIED, AUTH_BY_DENY, 0, 0 };
	if (cidr_list_has(r->allow, a->addr, a->local))
		return (struct auth_answer){ REASON_NONE, AUTH_BY_ALLOW, 0, 0 };
	if (!r->by_key)
		return (
		    struct auth_answer){ REASON_DENIED, AUTH_BY_NOTHING, 0, 0 };
	if (r->keys == NULL)
		return (struct auth_answer){ REASON_NO_KEYS, AUTH_BY_NOTHING, 0,
			0 };
	return check_query(r->keys, a);
}
