#include "config.h"

#include "worker/admin.h"
#include "worker/session.h"
#include "worker/tree.h"

static void
kick(struct worker *w, const struct ipc_kick *k)
{
	struct conn *c = conn_by_id(w, k->conn);
	struct guest *g = c == NULL ? guest_by_id(w, k->conn) : NULL;
	if (c != NULL)
		session_end(w, c, REASON_KICKED);
	else if (g != NULL)
		tree_kick(w, g);
}

void
admin_message(struct worker *w, const struct ipc_msg *m)
{
	if (m->kind == IPC_KICK)
		kick(w, &m->u.kick);
	else if (bans_set(&w->conns->bans, &m->u.ban.addr,
		     (struct mono){ m->u.ban.until_ns }, w->now) != 0)
		worker_count(w, COUNTER_IPC_DROPPED, 1);
}
