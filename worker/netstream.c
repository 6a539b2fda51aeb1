/*
 * netstream - the NetStreams of a session, by id.  A few stand in a list only; a
 * connection with many has a table of them.
 */
#include "config.h"

#include <string.h>

#include "common/bug.h"
#include "worker/hook.h"
#include "worker/sessions.h"

enum { IDS_MAX = 65536 }; /* ids that a table may hold */

struct netstream *
session_stream(struct session *s, uint32_t id)
{
	struct netstream *ns;
	if (s->by_id != NULL && id < s->nby_id)
		return s->by_id[id];
	LIST_FOREACH (ns, &s->streams, next)
		if (ns->id == id)
			return ns;
	return NULL;
}

struct netstream *
session_stream_from(struct session *s, const struct conn *c, uint32_t id)
{
	if (id == 0 && c->outbound && s->nstreams == 1)
		return LIST_FIRST(&s->streams);
	return session_stream(s, id);
}

struct span
netstream_name(const struct netstream *ns)
{
	return (struct span){ ns->key + ns->name_at, ns->keylen - ns->name_at };
}

static void
drop_key(struct worker *w, struct netstream *ns)
{
	if (ns->key != NULL)
		bufpool_put(&w->pool, ns->key, ns->keylen);
	ns->key = NULL;
	ns->keylen = ns->name_at = 0;
}

/* Room for a key; false: no memory. */
static bool
new_key(struct worker *w, struct netstream *ns, size_t len)
{
	drop_key(w, ns);
	ns->key = bufpool_get_new(&w->pool, len);
	ns->keylen = ns->key != NULL ? (uint32_t)len : 0;
	return ns->key != NULL;
}

enum reason
netstream_set_name(struct worker *w, const struct session *s,
    struct netstream *ns, struct span name)
{
	size_t len = s->prefix_len + 1 + name.len;
	bug_on(ns->use != NS_IDLE);
	if (s->prefix_len == 0 || len > IPC_KEY_MAX)
		return REASON_NAME_INVALID;
	if (!new_key(w, ns, len))
		return REASON_INPUT_MEMORY;
	memcpy(ns->key, s->prefix, s->prefix_len);
	ns->key[s->prefix_len] = '\0';
	memcpy(ns->key + s->prefix_len + 1, name.p, name.len);
	ns->name_at = s->prefix_len + 1;
	return REASON_NONE;
}

bool
netstream_set_key(
    struct worker *w, struct netstream *ns, const char *key, uint32_t len)
{
	if (!new_key(w, ns, len))
		return false;
	memcpy(ns->key, key, len);
	while (len > 0 && key[len - 1] != '\0')
		len--;
	ns->name_at = len;
	return true;
}

static void
drop_table(struct worker *w, struct session *s)
{
	if (s->by_id != NULL)
		bufpool_put(&w->pool, s->by_id, s->nby_id * sizeof *s->by_id);
	s->by_id = NULL;
	s->nby_id = 0;
}

/* Make the table hold ids up to id.  False: no memory. */
static bool
grow_table(struct worker *w, struct session *s, uint32_t id)
{
	uint32_t want = s->nby_id > 0 ? s->nby_id : 4 * SESSION_STREAMS_FEW;
	struct netstream *ns;
	while (want <= id)
		want *= 2;
	struct netstream **t = bufpool_get_new(&w->pool, want * sizeof(void *));
	if (t == NULL)
		return false;
	memset(t, 0, want * sizeof(void *));
	LIST_FOREACH (ns, &s->streams, next)
		if (ns->id < want)
			t[ns->id] = ns;
	drop_table(w, s);
	s->by_id = t;
	s->nby_id = want;
	return true;
}

struct netstream *
session_new_stream(struct worker *w, struct conn *c, uint32_t id)
{
	struct session *s = session_of(w, c);
	if (id == 0) {
		while (session_stream(s, s->low_id) != NULL)
			s->low_id++;
		id = s->low_id;
	}
	bug_on(session_stream(s, id) != NULL);
	/* without a table it is only slower */
	if (s->nstreams >= SESSION_STREAMS_FEW && id < IDS_MAX &&
	    id >= s->nby_id)
		(void)grow_table(w, s, id);
	struct netstream *ns = bufpool_get_new(&w->pool, sizeof *ns);
	if (ns == NULL)
		return NULL;
	memset(ns, 0, sizeof *ns);
	ns->id = id;
	LIST_INSERT_HEAD(&s->streams, ns, next);
	s->nstreams++;
	if (id < s->nby_id)
		s->by_id[id] = ns;
	return ns;
}

void
session_free_stream(struct worker *w, struct conn *c, struct netstream *ns)
{
	struct session *s = session_of(w, c);
	bug_on(ns->use != NS_IDLE);
	hook_done(w, c, ns);
	LIST_REMOVE(ns, next);
	s->nstreams--;
	drop_key(w, ns);
	if (ns->id < s->nby_id)
		s->by_id[ns->id] = NULL;
	if (ns->id < s->low_id)
		s->low_id = ns->id;
	bufpool_put(&w->pool, ns, sizeof *ns);
}

void
session_free_streams(struct worker *w, struct conn *c)
{
	struct session *s = session_of(w, c);
	struct netstream *ns;
	while ((ns = LIST_FIRST(&s->streams)) != NULL) {
		if (ns->use != NS_IDLE)
			w->sessions->ops->stop(w, c, ns, c->reason);
		session_free_stream(w, c, ns);
	}
	drop_table(w, s);
}
