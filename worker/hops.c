#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "common/log.h"
#include "worker/hops.h"
#include "worker/link.h"

/* One that is down. */
struct hop {
	char name[IPC_HOP_MAX];
	char why[IPC_TEXT_MAX];
	struct mono probe_at;
	TAILQ_ENTRY(hop)
	entry; /* of down, the one found first at the head; or
				   of free */
};

TAILQ_HEAD(hop_list, hop);

struct hops {
	struct hop_list down, free;
	struct hop hop[HOPS_MAX];
};

int
hops_init(struct worker *w)
{
	struct hops *hs = calloc(1, sizeof *hs);
	if (hs == NULL)
		return -ENOMEM;
	TAILQ_INIT(&hs->down);
	TAILQ_INIT(&hs->free);
	for (unsigned i = 0; i < HOPS_MAX; i++)
		TAILQ_INSERT_TAIL(&hs->free, &hs->hop[i], entry);
	w->hops = hs;
	return 0;
}

void
hops_fini(struct worker *w)
{
	free(w->hops);
	w->hops = NULL;
}

static struct hop *
find(const struct hops *hs, const char *name)
{
	struct hop *h;
	TAILQ_FOREACH (h, &hs->down, entry)
		if (strcasecmp(h->name, name) == 0)
			return h;
	return NULL;
}

/* name is down from now on.  Returns NULL: it is no name. */
static struct hop *
add(struct hops *hs, const char *name)
{
	if (name[0] == '\0' || strlen(name) >= IPC_HOP_MAX)
		return NULL;
	struct hop *h = TAILQ_FIRST(&hs->free);
	if (h != NULL) {
		TAILQ_REMOVE(&hs->free, h, entry);
	} else {
		h = TAILQ_FIRST(&hs->down);
		TAILQ_REMOVE(&hs->down, h, entry);
	}
	snprintf(h->name, sizeof h->name, "%s", name);
	TAILQ_INSERT_TAIL(&hs->down, h, entry);
	return h;
}

static void
forget(struct hops *hs, struct hop *h)
{
	TAILQ_REMOVE(&hs->down, h, entry);
	TAILQ_INSERT_TAIL(&hs->free, h, entry);
}

static void
tell_master(struct worker *w, const struct hop *h, bool down)
{
	struct ipc_msg m = { .kind = IPC_HOP, .u.hop.down = down };
	snprintf(m.u.hop.hop, sizeof m.u.hop.hop, "%s", h->name);
	snprintf(m.u.hop.text, sizeof m.u.hop.text, "%s", down ? h->why : "");
	link_send(w, &m);
}

/* The next probe, with up to a tenth more: not all workers at once. */
static void
set_probe(struct worker *w, struct hop *h, uint64_t ms)
{
	h->probe_at = mono_add_ms(w->now, ms + ms / 10 * w->self / SLOTS_MAX);
	worker_wake_at(w, h->probe_at);
}

void
hops_failed(struct worker *w, const char *hop, const char *why)
{
	struct hop *h = find(w->hops, hop);
	bool news = h == NULL;
	if (news)
		h = add(w->hops, hop);
	if (h == NULL)
		return;
	snprintf(h->why, sizeof h->why, "%s", why);
	set_probe(w, h, HOP_PROBE_MS);
	if (!news)
		return;
	LOG(edge_hop_down, .hop = h->name, .text = h->why);
	tell_master(w, h, true);
}

void
hops_alive(struct worker *w, const char *hop)
{
	struct hop *h = find(w->hops, hop);
	if (h == NULL)
		return;
	LOG(edge_hop_up, .hop = h->name);
	tell_master(w, h, false);
	forget(w->hops, h);
}

bool
hops_down(const struct worker *w, const char *hop)
{
	return find(w->hops, hop) != NULL;
}

const char *
hops_why(const struct worker *w, const char *hop)
{
	const struct hop *h = find(w->hops, hop);
	return h != NULL ? h->why : "";
}

int
hops_best(
    const struct worker *w, const struct way *ways, unsigned n, uint32_t tried)
{
	int down = -1;
	for (unsigned y = 0; y < n; y++) {
		if (tried >> y & 1)
			continue;
		if (!hops_down(w, ways[y].hop))
			return (int)y;
		if (down < 0)
			down = (int)y;
	}
	return down;
}

bool
hops_next_probe(struct worker *w, char hop[IPC_HOP_MAX])
{
	struct hop *h;
	TAILQ_FOREACH (h, &w->hops->down, entry) {
		if (mono_before(w->now, h->probe_at)) {
			worker_wake_at(w, h->probe_at);
			continue;
		}
		snprintf(hop, IPC_HOP_MAX, "%s", h->name);
		set_probe(w, h, HOP_PROBE_MS);
		return true;
	}
	return false;
}

void
hops_message(struct worker *w, const struct ipc_hop *m)
{
	char name[IPC_HOP_MAX];
	size_t n = strnlen(m->hop, sizeof m->hop - 1);
	memcpy(name, m->hop, n);
	name[n] = '\0';
	struct hop *h = find(w->hops, name);
	if (m->down == 0) {
		if (h != NULL)
			forget(w->hops, h);
		return;
	}
	if (h != NULL || (h = add(w->hops, name)) == NULL)
		return;
	snprintf(
	    h->why, sizeof h->why, "%.*s", (int)sizeof m->text - 1, m->text);
	set_probe(w, h, HOP_PROBE_TOLD_MS);
}
