#include "config.h"

#include <stdio.h>

#include "worker/door.h"
#include "worker/hooked.h"
#include "worker/scripted.h"
#include "worker/uplink.h"

/* An edge that asks the server above? */
static bool
is_edge(const struct conf_vhost *v)
{
	return v->mode == CONF_MODE_REMOTE &&
	       v->client_check != CONF_CHECK_NONE;
}

bool
door_asks(const struct entrance *e)
{
	return is_edge(e->vhost) || hooked_asks(e->app) ||
	       scripted_asks(e->vhost, e->app);
}

void
door_ask(struct worker *w, struct guest *g)
{
	if (hooked_ask(w, g))
		return;
	if (is_edge(g->vhost))
		uplink_ask(w, g);
	else if (scripted_asks(g->vhost, g->app))
		scripted_ask(w, g);
	else
		guest_accept(w, g, !hooked_asks(g->app));
}

void
door_call(struct worker *w, struct guest *g, const struct cmd *cmd,
    uint8_t type, const uint8_t *p, size_t n)
{
	char text[128];
	if (scripted_asks(g->vhost, g->app)) {
		scripted_call(w, g, cmd);
		return;
	}
	bool answer = cmd->id == CMD_RESULT || cmd->id == CMD_ERROR;
	double txn = answer ? 0 : cmd->txn;
	if (is_edge(g->vhost) && uplink_call(w, g, type, txn, p, n))
		return;
	if (txn == 0)
		return;
	int len = (int)(cmd->name.len < 64 ? cmd->name.len : 64);
	snprintf(
	    text, sizeof text, "Method not found (%.*s).", len, cmd->name.p);
	worker_count(w, COUNTER_CALLS_REFUSED, 1);
	guest_call_failed(w, g, txn, "NetConnection.Call.Failed", text);
}

void
door_note(struct worker *w, struct guest *g, const struct cmd *cmd)
{
	struct cmd unanswered = *cmd;
	unanswered.txn = 0;
	if (scripted_asks(g->vhost, g->app))
		scripted_call(w, g, &unanswered);
}

void
door_leave(struct worker *w, struct guest *g)
{
	hooked_leave(w, g);
	if (is_edge(g->vhost))
		uplink_leave(w, g);
	else
		scripted_leave(w, g);
}
