#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/cidr.h"
#include "common/log.h"
#include "master/auth_ctl.h"
#include "master/auth_run.h"
#include "master/control.h"
#include "master/master.h"

#define DEFAULT_VHOST	 "_defaultVHost_"
#define DEFAULT_INSTANCE "_definst_"

enum { URL = 512, ERR = 2048 };

/* A request names a stream. */
struct named {
	const char *vhost, *app, *inst, *stream;
	char key[DIR_KEY_MAX];
	size_t keylen;
};

static const char *
text(const json_t *req, const char *name, const char *absent)
{
	const char *s = json_string_value(json_object_get(req, name));
	return s && *s ? s : absent;
}

static bool
plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 32 || *s == 127)
			return false;
	return true;
}

/* Returns NULL, or what is wrong. */
static const char *
name_stream(const json_t *req, struct named *n)
{
	n->vhost = text(req, "vhost", DEFAULT_VHOST);
	n->app = text(req, "app", "");
	n->inst = text(req, "instance", DEFAULT_INSTANCE);
	n->stream = text(req, "stream", "");
	if (!*n->app || !*n->stream)
		return "expected the name of a stream, as live/NAME";
	if (!plain(n->vhost) || !plain(n->app) || !plain(n->inst) ||
	    !plain(n->stream) || strchr(n->stream, '?') != NULL ||
	    strchr(n->app, '?') != NULL || strchr(n->inst, '?') != NULL)
		return "expected a name without control characters and ?";
	n->keylen = directory_make_key(n->key, n->vhost, strlen(n->vhost),
	    n->app, strlen(n->app), n->inst, strlen(n->inst), n->stream,
	    strlen(n->stream));
	return n->keylen > 0 ? NULL : "expected a shorter name";
}

static bool
named_instance(const struct named *n)
{
	return strcmp(n->inst, DEFAULT_INSTANCE) != 0;
}

static bool
host_ok(const json_t *req)
{
	const char *host = text(req, "host", "");
	return plain(host) && strpbrk(host, "/?# ") == NULL;
}

/* app/name or app/inst/name */
static void
path_of(const struct named *n, char *buf, size_t len)
{
	snprintf(buf, len, "%s/%s%s%s", n->app,
	    named_instance(n) ? n->inst : "", named_instance(n) ? "/" : "",
	    n->stream);
}

/* Servers. --------------------------------------------------------------- */

static void
server_url(const char *host, const char *port, const char *app,
    const char *inst, char *url, size_t len)
{
	bool v6 = strchr(host, ':') != NULL && host[0] != '[';
	snprintf(url, len, "rtmp://%s%s%s:%s/%s%s%s", v6 ? "[" : "", host,
	    v6 ? "]" : "", port, app, inst ? "/" : "", inst ? inst : "");
}

static void
append(json_t *list, const char *host, const char *port, const char *app,
    const char *inst)
{
	char url[URL];
	server_url(host, port, app, inst, url, sizeof url);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), url) ==
		    0)
			return;
	json_array_append_new(list, log_text(url, strlen(url)));
}

/* Nobody elsewhere reaches these. */
static bool
is_near(const struct addr *a)
{
	return addr_is_loopback(a) ||
	       (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80);
}

/* The addresses of this machine that a listener on any address has. */
static void
append_own(struct master *m, json_t *list, bool v4, const char *port,
    const char *app, const char *inst)
{
	const struct own *o = &m->auth->own;
	char host[ADDR_TEXT];
	for (unsigned near = 0; near < 2; near++)
		for (unsigned i = 0; i < o->n; i++) {
			const struct addr *a = &o->addr[i];
			if (addr_is_v4(a) != v4 || is_near(a) != (near != 0) ||
			    (near && !addr_is_loopback(a)))
				continue;
			addr_print(a, host);
			append(list, host, port, app, inst);
		}
}

/* All URLs, those first that others can reach. */
static json_t *
servers(struct master *m, const char *host, const char *app, const char *inst)
{
	static const struct addr any = { { 0 } };
	json_t *far = json_array(), *near = json_array();
	own_refresh(&m->auth->own, clock_now());
	for (unsigned i = 0; i < m->listeners.naddrs; i++) {
		const char *name = m->listeners.name[i];
		const char *port = strrchr(name, ':');
		struct addr a;
		char own[ADDR_TEXT];
		if (port == NULL || addr_parse_peer(name, &a) != 0)
			continue;
		addr_print(&a, own);
		port++;
		if (host != NULL)
			append(far, host, port, app, inst);
		else if (addr_equal(&a, &any) || strcmp(own, "0.0.0.0") == 0)
			append_own(m, far, addr_is_v4(&a), port, app, inst);
		else
			append(is_near(&a) ? near : far, own, port, app, inst);
	}
	json_array_extend(far, near);
	json_decref(near);
	return far;
}

void
auth_server(
    struct master *m, const char *app, const char *inst, char *url, size_t len)
{
	json_t *list = servers(m, NULL, app, inst);
	const char *first = json_string_value(json_array_get(list, 0));
	snprintf(url, len, "%s", first ? first : "");
	json_decref(list);
}

/* stream_url ------------------------------------------------------------- */

static const struct key *
first_fit(const struct keys *k, enum key_kind kind, const struct named *n)
{
	for (unsigned i = 0; k != NULL && i < k->n; i++)
		if (k->key[i].kind == kind &&
		    key_fits(&k->key[i], n->key, n->keylen))
			return &k->key[i];
	return NULL;
}

static json_t *
no_key(const struct named *n, const struct key_file *f, enum token_use use,
    const char *kind)
{
	char err[ERR], path[DIR_KEY_MAX + 8];
	path_of(n, path, sizeof path);
	if (f == NULL)
		snprintf(err, sizeof err,
		    "Application.xml names no keys for that: set %s/KeyFile, "
		    "and %s/Allow to who needs none",
		    use == TOKEN_PLAY ? "Play" : "Publish",
		    use == TOKEN_PLAY ? "Play" : "Publish");
	else
		snprintf(err, sizeof err,
		    "%s has no line that fits %s: echo \"%s %s $(openssl rand "
		    "-hex 32)\" >>%s",
		    f->path, path, path, kind, f->path);
	return control_refusal(err);
}

/* NAME, NAME?key=..., NAME?token=... */
static json_t *
stream_key(const struct named *n, const char *how, const char *secret)
{
	char key[DIR_KEY_MAX + TOKEN_TEXT + 8];
	snprintf(key, sizeof key, "%s%s%s%s%s", n->stream, *how ? "?" : "", how,
	    *how ? "=" : "", secret);
	json_t *j = log_text(key, strlen(key));
	explicit_bzero(key, sizeof key);
	return j;
}

json_t *
auth_stream_url(struct master *m, const json_t *req)
{
	struct named n;
	struct key_file *f;
	const char *wrong = name_stream(req, &n);
	const char *host = text(req, "host", NULL);
	if (wrong == NULL && !host_ok(req))
		wrong = "host: expected a name or an address";
	if (wrong != NULL)
		return control_refusal(wrong);
	const struct keys *k =
	    auth_keys_of(m, TOKEN_PUBLISH, n.key, n.keylen, &f);
	const struct key *key = first_fit(k, KEY_PLAIN, &n);
	bool open = auth_is_open(m, TOKEN_PUBLISH, n.key, n.keylen);
	if (key == NULL && !open)
		return no_key(&n, f, TOKEN_PUBLISH, "key");
	json_t *list =
	    servers(m, host, n.app, named_instance(&n) ? n.inst : NULL);
	json_t *server = json_array_get(list, 0);
	json_t *out = json_pack("{s:b, s:O, s:o, s:o}", "ok", 1, "server",
	    server ? server : json_null(), "key",
	    open ? stream_key(&n, "", "") : stream_key(&n, "key", key->secret),
	    "servers", list);
	return out;
}

/* Tokens ----------------------------------------------------------------- */

static bool
use_of(const json_t *req, enum token_use *use)
{
	const char *s = text(req, "use", "publish");
	*use = strcmp(s, "play") == 0 ? TOKEN_PLAY : TOKEN_PUBLISH;
	return strcmp(s, token_use_name(*use)) == 0;
}

static json_t *
wall(uint64_t s)
{
	char buf[32];
	struct tm tm;
	time_t t = (time_t)s;
	gmtime_r(&t, &tm);
	strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(buf);
}

json_t *
auth_token_make(struct master *m, const json_t *req)
{
	struct named n;
	struct key_file *f;
	enum token_use use;
	char token[TOKEN_TEXT];
	json_int_t s = json_integer_value(json_object_get(req, "for_s"));
	const char *addr = text(req, "addr", "");
	const char *wrong = name_stream(req, &n);
	if (wrong == NULL && !use_of(req, &use))
		wrong = "use: expected publish or play";
	if (wrong == NULL && !host_ok(req))
		wrong = "host: expected a name or an address";
	if (wrong == NULL && (s < 1 || s > TOKEN_SECONDS_MAX))
		wrong = "for_s: expected seconds from 1 to ten years";
	if (wrong != NULL)
		return control_refusal(wrong);
	const struct keys *k = auth_keys_of(m, use, n.key, n.keylen, &f);
	const struct key *key = first_fit(k, KEY_SIGN, &n);
	if (key == NULL)
		return no_key(&n, f, use, "sign");
	uint64_t expires = auth_wall_s() + (uint64_t)s;
	struct token_scope scope = { use, n.key, n.keylen };
	if (token_make(key->secret, &scope, expires, addr, token) != 0)
		return control_refusal(
		    "addr: expected an address or a network, as 192.0.2.0/24");
	json_t *list = servers(m, text(req, "host", NULL), n.app,
	    named_instance(&n) ? n.inst : NULL);
	json_t *server = json_array_get(list, 0);
	json_t *out = json_pack("{s:b, s:s, s:o, s:o, s:O}", "ok", 1, "token",
	    token, "key", stream_key(&n, "token", token), "expires",
	    wall(expires), "server", server ? server : json_null());
	json_decref(list);
	return out;
}

json_t *
auth_token_check(struct master *m, const json_t *req)
{
	struct named n;
	struct key_file *f;
	struct addr addr;
	enum token_use use;
	const char *token = text(req, "token", ""), *a = text(req, "addr", "");
	const char *wrong = name_stream(req, &n);
	if (wrong == NULL && !use_of(req, &use))
		wrong = "use: expected publish or play";
	if (wrong == NULL && *a && addr_parse(a, strlen(a), &addr) != 0)
		wrong = "addr: expected an address";
	if (wrong != NULL)
		return control_refusal(wrong);
	const struct keys *k = auth_keys_of(m, use, n.key, n.keylen, &f);
	if (k == NULL)
		return no_key(&n, f, use, "sign");
	/* nobody said from where: from where it is good */
	struct token t;
	bool bound = token_parse(token, strlen(token), &t) == 0 && t.bound;
	if (bound && !*a)
		addr = t.net.base;
	struct auth_ask ask = { .what = { use, n.key, n.keylen },
		.addr = *a || bound ? &addr : NULL,
		.now = auth_wall_s() };
	struct auth_answer r = auth_check_token(k, &ask, token, strlen(token));
	bool valid = r.why == REASON_NONE;
	return json_pack("{s:b, s:b, s:s, s:s, s:o, s:o}", "ok", 1, "valid",
	    valid, "reason", reason_name(r.why), "text",
	    valid ? "the token is good" : reason_text(r.why), "addr",
	    bound && r.line != 0 ? json_string(t.net_text) : json_null(),
	    "expires", r.expires ? wall(r.expires) : json_null());
}
