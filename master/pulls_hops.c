/* Next hops that a worker found dead, or alive again: all workers are told. */
#include "config.h"

#include <string.h>

#include "common/clock.h"
#include "master/master.h"
#include "master/pulls_own.h"

/* One that may be used for another hop; NULL: all wait to be told. */
static struct hop_state *
oldest(struct pulls *s)
{
	struct hop_state *found = NULL;
	for (uint32_t i = 0; i < s->nhops; i++) {
		struct hop_state *h = &s->hop[i];
		if (h->untold != 0)
			continue;
		/* alive is what everybody believes anyway */
		if (found == NULL || (found->down && !h->down) ||
		    (found->down == h->down && h->since_ns < found->since_ns))
			found = h;
	}
	return found;
}

static struct hop_state *
enter(struct pulls *s, const char *hop)
{
	struct hop_state *h;
	for (uint32_t i = 0; i < s->nhops; i++)
		if (strcmp(s->hop[i].hop, hop) == 0)
			return &s->hop[i];
	h = s->nhops < PULLS_HOPS_MAX ? &s->hop[s->nhops++] : oldest(s);
	if (h == NULL)
		return NULL;
	memset(h, 0, sizeof *h);
	strcpy(h->hop, hop);
	return h;
}

static void
tell(struct master *m, unsigned slot, struct hop_state *h)
{
	uint64_t bit = UINT64_C(1) << slot;
	if ((h->untold & bit) != 0 || !pulls_slot_up(m, slot))
		return;
	h->untold |= bit;
	pulls_tell(m, slot, IPC_HOP, (uint64_t)(h - m->pulls->hop));
}

void
pulls_hop(struct master *m, unsigned slot, const struct ipc_hop *msg)
{
	struct hop_state *h = enter(m->pulls, msg->hop);
	if (h == NULL)
		return;
	bool same = h->since_ns != 0 && h->down == (msg->down != 0);
	strcpy(h->text, msg->text);
	if (same)
		return;
	h->down = msg->down != 0;
	h->since_ns = clock_now().ns;
	for (unsigned i = 0; i < m->nslots; i++)
		if (i != slot)
			tell(m, i, h);
}

void
pulls_hops_replay(struct master *m, unsigned slot)
{
	for (uint32_t i = 0; i < m->pulls->nhops; i++)
		if (m->pulls->hop[i].down)
			tell(m, slot, &m->pulls->hop[i]);
}

void
pulls_hops_forget(struct pulls *s, unsigned slot)
{
	for (uint32_t i = 0; i < s->nhops; i++)
		s->hop[i].untold &= ~(UINT64_C(1) << slot);
}

void
pulls_hop_compose(
    struct pulls *s, unsigned slot, uint64_t index, struct ipc_hop *msg)
{
	struct hop_state *h = &s->hop[index];
	h->untold &= ~(UINT64_C(1) << slot);
	msg->down = h->down;
	strcpy(msg->hop, h->hop);
	strcpy(msg->text, h->text);
}

const char *
pulls_hop_down(const struct pulls *s, const char *hop)
{
	for (uint32_t i = 0; i < s->nhops; i++)
		if (s->hop[i].down && strcmp(s->hop[i].hop, hop) == 0)
			return s->hop[i].text;
	return NULL;
}
