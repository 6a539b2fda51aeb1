#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "rtmp/amf0.h"
#include "rtmp/url.h"
#include "worker/door.h"
#include "worker/hook.h"
#include "worker/hooked.h"
#include "worker/link.h"
#include "worker/tree.h"
#include "worker/welcome.h"

/* As many as come at once may wait for one slow receiver: by request. */
enum { BUCKETS = 1024 };

struct hooked {
	LIST_HEAD(, guest) waiting[BUCKETS];
};

int
hooked_init(struct worker *w)
{
	w->hooked = calloc(1, sizeof *w->hooked);
	if (w->hooked == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_INIT(&w->hooked->waiting[i]);
	return 0;
}

void
hooked_fini(struct worker *w)
{
	free(w->hooked);
	w->hooked = NULL;
}

bool
hooked_asks(const struct conf_app *app)
{
	return *conf_hook(app, HOOK_CONNECT) != '\0';
}

/* g does not wait any more. */
static void
leave_list(struct guest *g)
{
	LIST_REMOVE(g, next_hook);
	g->hook = 0;
}

/*
 * {level, code, description[, ex: {code: 302, redirect}]}, as FMS has it: a reason of
 * callbacks has the code of a publish.
 */
static struct span
information(const struct guest *g, enum reason why, const char *words,
    const char *url, uint8_t buf[SESSION_REPLY])
{
	char text[320];
	struct writer wr;
	welcome_words(g->vhost, why, words, text);
	writer_init(&wr, buf, SESSION_REPLY);
	amf0_object_begin(&wr);
	amf0_prop_text(&wr, "level", "error");
	amf0_prop_text(&wr, "code", "NetConnection.Connect.Rejected");
	amf0_prop_text(&wr, "description", text);
	if (url[0] != '\0') {
		amf0_key(&wr, "ex");
		amf0_object_begin(&wr);
		amf0_prop_number(&wr, "code", 302);
		amf0_prop_text(&wr, "redirect", url);
		amf0_object_end(&wr);
	}
	amf0_object_end(&wr);
	return (struct span){ (char *)buf, writer_ok(&wr) ? wr.len : 0 };
}

/* It does not get in; url: where it shall go, or "". */
static void
drop(struct worker *w, struct guest *g, enum reason why, const char *words,
    const char *url)
{
	uint8_t buf[SESSION_REPLY];
	if (g->hook != 0)
		leave_list(g);
	hook_guest_gone(w, g);
	tree_drop(w, g);
	guest_refuse(w, g, information(g, why, words, url, buf), why, words);
	if (g->tree != NULL)
		guest_free(w, g, why);
}

bool
hooked_ask(struct worker *w, struct guest *g)
{
	struct ipc_msg m = { .kind = IPC_CONNECT };
	if (g->hooked)
		return false;
	g->hooked = true;
	if (!hook_guest(w, g)) {
		drop(w, g, REASON_NO_MASTER, "", "");
		return true;
	}
	if (!hooked_asks(g->app))
		return false;
	g->state = GUEST_ASKED;
	g->hook = m.request = link_request(w);
	m.u.done.conn = g->id;
	LIST_INSERT_HEAD(&w->hooked->waiting[g->hook % BUCKETS], g, next_hook);
	link_send(w, &m);
	return true;
}

void
hooked_leave(struct worker *w, struct guest *g)
{
	if (g->hook != 0)
		leave_list(g);
	hook_guest_gone(w, g);
}

bool
hooked_message(struct worker *w, const struct ipc_msg *m)
{
	struct guest *g;
	if (m->kind != IPC_ADMIT && m->kind != IPC_REFUSE &&
	    m->kind != IPC_REDIRECT)
		return false;
	LIST_FOREACH (g, &w->hooked->waiting[m->request % BUCKETS], next_hook)
		if (g->hook == m->request)
			break;
	if (g == NULL)
		return m->kind == IPC_REDIRECT;
	leave_list(g);
	if (m->kind == IPC_ADMIT)
		door_ask(w, g);
	else if (m->kind == IPC_REFUSE)
		drop(w, g, (enum reason)m->u.refuse.reason, m->u.refuse.text,
		    "");
	else
		drop(w, g, REASON_CALLBACK_MOVED, "", m->u.redirect.url);
	return true;
}

void
hooked_orphan(struct worker *w)
{
	struct guest *g;
	for (unsigned i = 0; i < BUCKETS; i++)
		while ((g = LIST_FIRST(&w->hooked->waiting[i])) != NULL)
			drop(w, g, REASON_NO_MASTER, "", "");
}
