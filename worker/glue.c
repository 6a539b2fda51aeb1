#include "config.h"

#include "worker/admit.h"
#include "worker/glue.h"
#include "worker/play.h"
#include "worker/publish.h"

static void
on_closed(struct worker *w, struct conn *c)
{
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
	if (ns->use == NS_PLAY)
		play_stop(w, c, ns, why);
	else if (ns->admit != NULL)
		admit_stop(w, ns);
	else
		publish_stop(w, c, ns, why);
}

const struct session_ops glue_session_ops = {
	.publish = publish_ask,
	.play = admit_play,
	.stop = stop_stream,
	.receive = play_receive,
	.pause = play_pause,
	.begin = publish_begin,
	.data = publish_data,
	.end = publish_end,
	.drop = publish_drop,
};

void
glue_answer(struct worker *w, const struct ipc_msg *m)
{
	if (!admit_message(w, m))
		publish_message(w, m);
}

void
glue_orphan(struct worker *w)
{
	publishers_orphan(w);
	admit_orphan(w);
}
