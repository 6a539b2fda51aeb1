/*
 * Streams whose callback has answered with an rtmp:// URL: they are published here, and
 * sent there, too (targets.h).  See hooks_own.h.
 *
 *	answered	kept, until the name is granted
 *	GRANT		the order is given; it ends with the stream
 *	refused, DONE	forgotten
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "master/hooks_own.h"
#include "master/master.h"
#include "master/streams.h"
#include "master/targets.h"
#include "rtmp/url.h"
#include "shm/directory.h"

enum { LAG_MS = 10000 };

struct hook_relay {
	struct hook_relay *next;
	uint64_t incarnation, request;
	char url[HOOKS_NAME];
};

bool
hooks_relay_keep(
    struct master *m, unsigned slot, uint64_t request, const char *url)
{
	struct hook_relay *r = calloc(1, sizeof *r);
	if (r == NULL || strlen(url) >= sizeof r->url) {
		free(r);
		return false;
	}
	r->incarnation = m->slot[slot].proc.incarnation;
	r->request = request;
	strcpy(r->url, url);
	r->next = m->hooks->relays;
	m->hooks->relays = r;
	return true;
}

static struct hook_relay *
take(struct master *m, unsigned slot, uint64_t request)
{
	struct hook_relay **p = &m->hooks->relays, *r;
	for (; (r = *p) != NULL; p = &r->next)
		if (r->request == request &&
		    r->incarnation == m->slot[slot].proc.incarnation) {
			*p = r->next;
			return r;
		}
	return NULL;
}

static void
drop(struct hook_relay *r)
{
	if (r != NULL)
		explicit_bzero(r->url, sizeof r->url);
	free(r);
}

void
hooks_relay_drop(struct master *m, unsigned slot, uint64_t request)
{
	drop(take(m, slot, request));
}

void
hooks_relay_forget(struct master *m, uint64_t incarnation)
{
	struct hook_relay **p = &m->hooks->relays, *r;
	while ((r = *p) != NULL) {
		if (incarnation != 0 && r->incarnation != incarnation) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		drop(r);
	}
}

static struct span
part(const struct ipc_publish *p, unsigned i)
{
	return directory_part(p->key, p->keylen, i);
}

/* Its end is that of the stream; push.* of the log tells the rest. */
static void
told(
    struct master *m, struct target *t, void *owner, const struct ipc_pushed *d)
{
	(void)m;
	(void)t;
	(void)owner;
	(void)d;
}

static const struct target_ops ops = { .told = told };

void
hooks_relay_begin(struct master *m, unsigned slot, uint64_t request,
    const struct ipc_publish *p)
{
	struct hook_relay *r = take(m, slot, request);
	struct url_stream u;
	const char *why = NULL;
	if (r == NULL)
		return;
	struct target_spec spec = { .key = { p->key, p->keylen },
		.url = span_of(r->url),
		.name = part(p, 3),
		.mode = PUSH_LIVE,
		.lag_ms = LAG_MS,
		.keep = true,
		.secret = true };
	if (url_split_stream(spec.url, &u)) {
		spec.url = u.tc_url;
		spec.name = u.stream;
	}
	spec.via = streams_via(m, p->key, p->keylen, &spec.hops);
	if (targets_start(m, &spec, &ops, NULL, &why) != NULL)
		why = NULL;
	LOG_AT(why == NULL ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, callback_relay,
	    .vhost = part(p, 0), .app = part(p, 1), .instance = part(p, 2),
	    .stream = part(p, 3), .client = p->conn, .started = why == NULL,
	    .text = why != NULL ? why : "");
	drop(r);
}
