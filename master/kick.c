#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bans.h"
#include "common/log.h"
#include "common/reason.h"
#include "master/control.h"
#include "master/kick.h"
#include "master/master.h"
#include "shm/rows.h"

#define DEFAULT_VHOST	 "_defaultVHost_"
#define DEFAULT_INSTANCE "_definst_"

enum { WHAT = DIR_KEY_MAX + 8 };

struct name_ban {
	uint32_t keylen;
	char key[DIR_KEY_MAX];
	struct mono until;
};

struct kick {
	struct bans addrs;
	unsigned nnames;
	struct name_ban name[KICK_NAMES_MAX];
};

struct kick *
kick_new(void)
{
	return calloc(1, sizeof(struct kick));
}

void
kick_free(struct kick *k)
{
	free(k);
}

/* Requests. -------------------------------------------------------------- */

/* Seconds of a ban; 0: none asked for.  Returns -1 for nonsense. */
static json_int_t
seconds(const json_t *req)
{
	const json_t *v = json_object_get(req, "for_s");
	json_int_t s = json_integer_value(v);
	if (!v || json_is_null(v))
		return 0;
	return json_is_integer(v) && s >= 0 && s <= KICK_SECONDS_MAX ? s : -1;
}

static const char *
text(const json_t *req, const char *name, const char *absent)
{
	const char *s = json_string_value(json_object_get(req, name));
	return s && *s ? s : absent;
}

/* Returns the length of the key, 0 if the request names no stream. */
static size_t
key_of(const json_t *req, char key[DIR_KEY_MAX])
{
	const char *vhost = text(req, "vhost", DEFAULT_VHOST);
	const char *app = text(req, "app", "");
	const char *inst = text(req, "instance", DEFAULT_INSTANCE);
	const char *stream = text(req, "stream", "");
	return directory_make_key(key, vhost, strlen(vhost), app, strlen(app),
	    inst, strlen(inst), stream, strlen(stream));
}

/* "app/stream", "app/instance/stream" for people. */
static void
name_of(const char *key, size_t keylen, char what[WHAT])
{
	const char *p[4];
	size_t n[4];
	for (unsigned i = 0; i < 4; i++)
		p[i] = directory_key_part(key, keylen, i, &n[i]);
	bool plain = n[2] == strlen(DEFAULT_INSTANCE) &&
		     memcmp(p[2], DEFAULT_INSTANCE, n[2]) == 0;
	snprintf(what, WHAT, "%.*s/%.*s%s%.*s", (int)n[1], p[1],
	    plain ? 0 : (int)n[2], p[2], plain ? "" : "/", (int)n[3], p[3]);
}

static json_t *
too_many(const char *what, unsigned max)
{
	char err[128];
	snprintf(err, sizeof err,
	    "%u %s are banned already: lift one (sluicectl ban remove)", max,
	    what);
	return control_refusal(err);
}

/* Bans. ------------------------------------------------------------------ */

static void
tell(struct master *m, unsigned slot, const struct ban *b)
{
	struct ipc_msg msg = { .kind = IPC_BAN };
	msg.incarnation = m->slot[slot].proc.incarnation;
	msg.u.ban.addr = b->addr;
	msg.u.ban.until_ns = b->until.ns;
	if (m->slot[slot].proc.pid != 0)
		(void)master_tell(m, slot, &msg);
}

static int
ban_addr(struct master *m, const struct addr *addr, uint64_t ms)
{
	struct mono now = clock_now();
	struct ban b = { *addr, mono_add_ms(now, ms) };
	int r = bans_set(&m->kick->addrs, addr, b.until, now);
	for (unsigned i = 0; r == 0 && i < m->nslots; i++)
		tell(m, i, &b);
	return r;
}

void
kick_replay(struct master *m, unsigned slot)
{
	struct bans *b = &m->kick->addrs;
	bans_expire(b, clock_now());
	for (unsigned i = 0; i < b->n; i++)
		tell(m, slot, &b->list[i]);
}

static void
expire_names(struct kick *k, struct mono now)
{
	unsigned n = 0;
	for (unsigned i = 0; i < k->nnames; i++)
		if (mono_before(now, k->name[i].until))
			k->name[n++] = k->name[i];
	k->nnames = n;
}

static struct name_ban *
find_name(const struct kick *k, const char *key, size_t keylen)
{
	for (unsigned i = 0; i < k->nnames; i++) {
		const struct name_ban *b = &k->name[i];
		if (b->keylen == keylen && memcmp(b->key, key, keylen) == 0)
			return (struct name_ban *)(uintptr_t)b;
	}
	return NULL;
}

struct mono
kick_name_until(const struct master *m, const char *key, size_t keylen)
{
	const struct name_ban *b = find_name(m->kick, key, keylen);
	if (b == NULL || !mono_before(clock_now(), b->until))
		return (struct mono){ 0 };
	return b->until;
}

static int
ban_name(struct kick *k, const char *key, size_t keylen, uint64_t ms)
{
	struct mono now = clock_now();
	expire_names(k, now);
	struct name_ban *b = find_name(k, key, keylen);
	if (b == NULL && k->nnames == KICK_NAMES_MAX)
		return -1;
	if (b == NULL)
		b = &k->name[k->nnames++];
	b->keylen = (uint32_t)keylen;
	memcpy(b->key, key, keylen);
	b->until = mono_add_ms(now, ms);
	return 0;
}

static json_t *
ban_record(const char *kind, const char *what, struct mono until)
{
	uint64_t ms = mono_ms_since(clock_now(), until);
	return json_pack("{s:s, s:o, s:I}", "kind", kind, "what",
	    log_text(what, strlen(what)), "seconds_left",
	    (json_int_t)((ms + 999) / 1000));
}

json_t *
kick_bans(struct master *m)
{
	struct kick *k = m->kick;
	char what[WHAT];
	json_t *list = json_array();
	bans_expire(&k->addrs, clock_now());
	expire_names(k, clock_now());
	for (unsigned i = 0; i < k->addrs.n; i++) {
		addr_print(&k->addrs.list[i].addr, what);
		json_array_append_new(
		    list, ban_record("addr", what, k->addrs.list[i].until));
	}
	for (unsigned i = 0; i < k->nnames; i++) {
		name_of(k->name[i].key, k->name[i].keylen, what);
		json_array_append_new(
		    list, ban_record("stream", what, k->name[i].until));
	}
	return json_pack("{s:b, s:o}", "ok", 1, "bans", list);
}

static bool
unban_name(struct kick *k, const char *wanted)
{
	char what[WHAT];
	for (unsigned i = 0; i < k->nnames; i++) {
		name_of(k->name[i].key, k->name[i].keylen, what);
		if (strcmp(what, wanted) != 0)
			continue;
		k->name[i] = k->name[--k->nnames];
		return true;
	}
	return false;
}

json_t *
kick_unban(struct master *m, const json_t *req)
{
	struct addr addr;
	const char *what = text(req, "what", "");
	bool found = unban_name(m->kick, what);
	if (!found && addr_parse(what, strlen(what), &addr) == 0 &&
	    bans_until(&m->kick->addrs, &addr, clock_now()).ns != 0) {
		(void)ban_addr(m, &addr, 0);
		found = true;
	}
	if (!found)
		return control_refusal(
		    "no such ban (sluicectl ban list shows them)");
	LOG(ban_lift, .what = { what, strlen(what) });
	return json_pack("{s:b}", "ok", 1);
}

static void
log_ban(const char *kind, const char *what, json_int_t s)
{
	LOG(ban_set, .kind = kind, .what = { what, strlen(what) }, .ban_s = s);
}

/* Kicks. ----------------------------------------------------------------- */

struct lookup {
	uint64_t id;
	bool found;
	struct client_row row;
};

static bool
match(const struct client_row *r, void *arg)
{
	struct lookup *l = arg;
	if (atomic_load_explicit(&r->id, memory_order_relaxed) != l->id)
		return true;
	l->found = row_read(r, &l->row) == 0;
	return false;
}

/* Returns the slot, or -1. */
static int
find_client(const struct master *m, struct lookup *l)
{
	unsigned slot = (unsigned)(l->id >> 46);
	if (slot >= m->nslots || m->slot[slot].proc.pid == 0)
		return -1;
	rows_each(&m->arena, slot, m->arena.slot_fd[slot], match, l);
	return l->found ? (int)slot : -1;
}

static int
tell_kick(struct master *m, unsigned slot, uint64_t client)
{
	struct ipc_msg msg = { .kind = IPC_KICK };
	msg.incarnation = m->slot[slot].proc.incarnation;
	msg.u.kick.conn = client;
	return master_tell(m, slot, &msg);
}

json_t *
kick_client(struct master *m, const json_t *req)
{
	struct lookup l = { 0 };
	struct addr addr;
	char what[ADDR_TEXT];
	json_int_t id = json_integer_value(json_object_get(req, "client"));
	json_int_t s = seconds(req);
	if (s < 0)
		return control_refusal("for_s: expected seconds, up to a year");
	l.id = (uint64_t)id;
	int slot = id > 0 ? find_client(m, &l) : -1;
	if (slot < 0)
		return control_refusal(
		    "no client has that id (sluicectl client list shows them)");
	if (s > 0 && addr_parse_peer(l.row.addr, &addr) == 0) {
		if (ban_addr(m, &addr, (uint64_t)s * 1000) != 0)
			return too_many("addresses", BANS_MAX);
		addr_print(&addr, what);
		log_ban("addr", what, s);
	}
	if (tell_kick(m, (unsigned)slot, l.id) != 0)
		return control_refusal("its worker does not answer");
	LOG(client_kick, .client = l.id, .addr = l.row.addr, .worker = slot);
	return json_pack(
	    "{s:b, s:i, s:s}", "ok", 1, "worker", slot, "addr", l.row.addr);
}

json_t *
kick_stream(struct master *m, const json_t *req)
{
	char key[DIR_KEY_MAX], what[WHAT];
	uint32_t b;
	uint64_t gen;
	size_t keylen = key_of(req, key);
	json_int_t s = seconds(req), client = 0;
	if (keylen == 0 || s < 0)
		return control_refusal(
		    s < 0 ? "for_s: expected seconds, up to a year"
			  : "expected app and stream");
	bool live = directory_find(&m->arena, key, keylen, &b, &gen);
	if (!live && s == 0)
		return control_refusal(
		    "nobody publishes that (sluicectl stream list shows what "
		    "is live)");
	name_of(key, keylen, what);
	if (s > 0 && ban_name(m->kick, key, keylen, (uint64_t)s * 1000) != 0)
		return too_many("names", KICK_NAMES_MAX);
	if (s > 0)
		log_ban("stream", what, s);
	json_t *out = json_pack("{s:b, s:b}", "ok", 1, "live", live);
	if (!live)
		return out;
	const struct block *blk = &m->arena.control->block[b];
	unsigned slot = atomic_load_explicit(&blk->owner, memory_order_relaxed);
	client = (json_int_t)atomic_load_explicit(
	    &blk->publisher, memory_order_relaxed);
	if (m->slot[slot].proc.pid != 0)
		(void)tell_kick(m, slot, (uint64_t)client);
	LOG(stream_kick, .vhost = directory_part(key, keylen, 0),
	    .app = directory_part(key, keylen, 1),
	    .instance = directory_part(key, keylen, 2),
	    .stream = directory_part(key, keylen, 3), .client = client,
	    .worker = slot);
	json_object_set_new(out, "worker", json_integer((json_int_t)slot));
	json_object_set_new(out, "client", json_integer(client));
	return out;
}
