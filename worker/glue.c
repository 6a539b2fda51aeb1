#include "config.h"

#include "worker/admit.h"
#include "worker/command.h"
#include "worker/connect.h"
#include "worker/glue.h"
#include "worker/play.h"
#include "worker/hooked.h"
#include "worker/hops.h"
#include "worker/orders.h"
#include "worker/publish.h"
#include "worker/pull.h"
#include "worker/relay.h"
#include "worker/scripted.h"
#include "worker/upstream.h"
#include "worker/want.h"

static void
on_closed(struct worker *w, struct conn *c)
{
	if (c->outbound)
		upstream_closed(w, c);
	else
		connect_end(w, c);
	session_closed(w, c);
	play_closed(w, c);
}

const struct conn_ops glue_conn_ops = {
	.opened = session_opened,
	.input = session_input,
	.closed = on_closed,
	.player_ready = play_ready,
};

static void
stop_stream(
    struct worker *w, struct conn *c, struct netstream *ns, enum reason why)
{
	if (ns->use == NS_PULL)
		ns->use = NS_IDLE; /* its leg has gone before it */
	else if (ns->use == NS_PLAY || ns->use == NS_PUSH)
		play_stop(w, c, ns, why);
	else if (ns->admit != NULL)
		admit_stop(w, ns);
	else
		publish_stop(w, c, ns, why);
}

static enum reason
begin(struct worker *w, struct conn *c, struct netstream *ns, struct msg **m,
    const struct chunk_ctx *x)
{
	return ns->use == NS_PULL ? pull_begin(w, c, ns, m, x)
				  : publish_begin(w, c, ns, m, x);
}

const struct session_ops glue_session_ops = {
	.publish = relay_publish,
	.play = admit_play,
	.stop = stop_stream,
	.receive = play_receive,
	.pause = play_pause,
	.begin = begin,
	.data = publish_data,
	.end = publish_end,
	.drop = publish_drop,
	.greeted = upstream_greeted,
	.command = upstream_command,
	.note = pull_note,
	.again = command_message,
};

void
glue_answer(struct worker *w, const struct ipc_msg *m)
{
	if (m->kind == IPC_DENY)
		want_denied(w, m);
	else if (m->kind == IPC_HOP)
		hops_message(w, &m->u.hop);
	else if (!orders_message(w, m) && !pull_message(w, m) &&
		 !admit_message(w, m) && !hooked_message(w, m))
		publish_message(w, m);
}

void
glue_orphan(struct worker *w)
{
	publishers_orphan(w);
	admit_orphan(w);
	hooked_orphan(w);
	pull_orphan(w);
	scripted_orphan(w);
}
