/* Questions that wait for an answer: see hooks_own.h. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "master/hooks_own.h"
#include "master/master.h"
#include "master/streams.h"

enum { LATE_MS = 1000 /* behind its time: the process hangs */ };

static struct hook_ask **
chain(const struct master *m, uint64_t id)
{
	return &m->hooks->asks[id % HOOKS_TABLE];
}

static void
free_ask(struct master *m, struct hook_ask *a)
{
	struct hook_client *c =
	    a->msg != NULL ? hooks_client(m, a->conn) : NULL;
	m->hooks->nasks--;
	if (c != NULL && c->asking > 0)
		c->asking--;
	if (a->msg != NULL)
		ipc_wipe(a->msg);
	free(a->msg);
	json_decref(a->again);
	free(a);
}

/* The message about event for the application's URL; facts are taken. */
static json_t *
request(struct master *m, const struct conf_app *app, enum hook_event event,
    json_t *facts)
{
	json_t *j = json_pack("{s:s, s:I, s:s, s:s, s:s, s:I}", "t", "ask",
	    "id", (json_int_t)++m->hooks->next_id, "event",
	    hook_event_name(event), "format",
	    hook_format_name((enum hook_format)app->hook_format), "url",
	    conf_hook(app, event), "ms", (json_int_t)app->hook_timeout_ms);
	if (j != NULL && json_object_update(j, facts) != 0) {
		json_decref(j);
		j = NULL;
	}
	json_decref(facts);
	return j;
}

/* Asking. ----------------------------------------------------------------- */

static void
set_deadline(struct master *m, struct hook_ask *a, uint64_t ms)
{
	uint64_t line = hook_is_question(a->event) ? 0 : HOOKS_LINE_MS;
	a->deadline_ns = mono_add_ms(clock_now(), ms + line + LATE_MS).ns;
	if (a->deadline_ns < m->hooks->ask_ns)
		m->hooks->ask_ns = a->deadline_ns;
}

/* The last request, which was just sent. */
static struct hook_ask *
add(struct master *m, const struct conf_app *app, enum hook_event event,
    unsigned slot, uint64_t conn)
{
	struct hook_ask *a =
	    m->hooks->nasks < HOOKS_WAITING ? calloc(1, sizeof *a) : NULL;
	if (a == NULL)
		return NULL;
	m->hooks->nasks++;
	a->id = m->hooks->next_id;
	a->event = event;
	a->slot = slot;
	a->incarnation = m->slot[slot].proc.incarnation;
	a->open = app->hook_fail == CONF_FAIL_OPEN;
	a->conn = conn;
	set_deadline(m, a, (uint64_t)app->hook_timeout_ms);
	a->next = *chain(m, a->id);
	*chain(m, a->id) = a;
	return a;
}

void
hooks_news(struct master *m, const struct hook_client *c, enum hook_event event,
    json_t *facts)
{
	json_t *j = request(m, c->app, event, facts);
	if (!hooks_tell(m, json_incref(j))) {
		json_decref(j);
		return;
	}
	struct hook_ask *a = add(m, c->app, event, c->slot, c->conn);
	if (a != NULL && event != HOOK_UPDATE)
		a->again = json_incref(j); /* an update comes again by itself */
	json_decref(j);
}

/* It is published here, and sent to url. */
static void
relay(
    struct master *m, unsigned slot, const struct ipc_msg *msg, const char *url)
{
	bool kept = hooks_relay_keep(m, slot, msg->request, url);
	streams_answer(
	    m, slot, msg, kept ? REASON_NONE : REASON_CALLBACK_FAILED, "", "");
}

/* Tell a worker about the connect of a client. */
static void
judge_connect(struct master *m, unsigned slot, const struct ipc_msg *msg,
    bool open, enum hook_verdict v, const char *text, const char *url)
{
	struct ipc_msg a = { .kind = IPC_REFUSE, .request = msg->request };
	struct hook_client *c = hooks_client(m, msg->u.done.conn);
	a.u.refuse.reason = REASON_CALLBACK_REFUSED;
	if (v == HOOK_ALLOW || (v == HOOK_FAIL && open)) {
		a.kind = IPC_ADMIT;
	} else if (v == HOOK_REDIRECT) {
		a.kind = IPC_REDIRECT;
		snprintf(a.u.redirect.url, sizeof a.u.redirect.url, "%s", url);
	} else if (v == HOOK_REFUSE) {
		snprintf(a.u.refuse.text, sizeof a.u.refuse.text, "%s", text);
	} else {
		a.u.refuse.reason = REASON_CALLBACK_FAILED;
	}
	if (c != NULL)
		c->out = a.kind != IPC_ADMIT;
	(void)master_tell(m, slot, &a);
}

/* Tell who asked; open: if it has failed, it is allowed. */
static void
judge(struct master *m, unsigned slot, const struct ipc_msg *msg, bool open,
    enum hook_verdict v, const char *text, const char *name)
{
	char moved[IPC_TEXT_MAX];
	if (msg->kind == IPC_CONNECT) {
		judge_connect(m, slot, msg, open, v, text, name);
		return;
	}
	switch (v) {
	case HOOK_ALLOW:
		streams_answer(m, slot, msg, REASON_NONE, "", "");
		return;
	case HOOK_RENAME:
		streams_answer(m, slot, msg, REASON_NONE, "", name);
		return;
	case HOOK_REDIRECT:
		if (msg->kind == IPC_PUBLISH) {
			relay(m, slot, msg, name);
			return;
		}
		snprintf(moved, sizeof moved, "it is at %s", name);
		streams_answer(m, slot, msg, REASON_CALLBACK_MOVED, moved, "");
		return;
	case HOOK_REFUSE:
		streams_answer(m, slot, msg, REASON_CALLBACK_REFUSED, text, "");
		return;
	case HOOK_FAIL:
	case HOOK_VERDICTS:
		break;
	}
	streams_answer(
	    m, slot, msg, open ? REASON_NONE : REASON_CALLBACK_FAILED, "", "");
}

/* facts are taken */
static void
ask(struct master *m, unsigned slot, const struct ipc_msg *msg,
    const struct conf_app *app, enum hook_event event, uint64_t conn,
    json_t *facts)
{
	struct ipc_msg *copy = malloc(sizeof *copy);
	bool sent = hooks_tell(m, request(m, app, event, facts));
	struct hook_ask *a =
	    sent && copy != NULL ? add(m, app, event, slot, conn) : NULL;
	struct hook_client *c = hooks_client(m, conn);
	if (a == NULL) {
		free(copy);
		judge(m, slot, msg, app->hook_fail == CONF_FAIL_OPEN, HOOK_FAIL,
		    "", "");
		return;
	}
	*copy = *msg;
	a->msg = copy;
	if (c != NULL)
		c->asking++;
}

bool
hooks_ask(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	const struct ipc_publish *p = &msg->u.publish;
	const struct conf_app *app = conf_key_app(m->conf, p->key, p->keylen);
	enum hook_event event =
	    msg->kind == IPC_PLAY ? HOOK_PLAY : HOOK_PUBLISH;
	if (*conf_hook(app, event) == '\0')
		return false;
	ask(m, slot, msg, app, event, p->conn,
	    hooks_facts(hooks_client(m, p->conn), p));
	return true;
}

void
hooks_ask_connect(struct master *m, unsigned slot, const struct ipc_msg *msg,
    struct hook_client *c)
{
	if (c == NULL)
		judge(m, slot, msg, false, HOOK_FAIL, "", "");
	else if (*conf_hook(c->app, HOOK_CONNECT) == '\0')
		judge(m, slot, msg, false, HOOK_ALLOW, "", "");
	else
		ask(m, slot, msg, c->app, HOOK_CONNECT, c->conn,
		    hooks_client_facts(c));
}

const struct streams_gate hooks_gate = { hooks_ask, hooks_begun,
	hooks_relay_drop };

void
hooks_cancel(struct master *m, uint64_t conn, uint64_t asked)
{
	const struct hook_client *c = hooks_client(m, conn);
	if (c == NULL || c->asking == 0)
		return;
	for (unsigned i = 0; i < HOOKS_TABLE; i++)
		for (struct hook_ask *a = m->hooks->asks[i]; a != NULL;
		     a = a->next)
			if (a->msg != NULL && a->conn == conn &&
			    (asked == 0 || a->msg->request == asked))
				a->over = true;
}

/* Answers. ---------------------------------------------------------------- */

static struct hook_ask *
take(struct master *m, uint64_t id)
{
	for (struct hook_ask **p = chain(m, id); *p != NULL; p = &(*p)->next)
		if ((*p)->id == id) {
			struct hook_ask *a = *p;
			*p = a->next;
			return a;
		}
	return NULL;
}

static bool
still_there(const struct master *m, const struct hook_ask *a)
{
	return m->slot[a->slot].proc.pid != 0 &&
	       m->slot[a->slot].proc.incarnation == a->incarnation;
}

/* An update that is refused ends the client. */
static void
end_client(struct master *m, const struct hook_ask *a)
{
	struct ipc_msg k = { .kind = IPC_KICK };
	k.u.kick.conn = a->conn;
	(void)master_tell(m, a->slot, &k);
}

static void
settle(struct master *m, struct hook_ask *a, enum hook_verdict v,
    const char *text, const char *name)
{
	if (still_there(m, a) && a->over)
		judge(m, a->slot, a->msg, false, HOOK_REFUSE, "", "");
	else if (still_there(m, a) && a->msg != NULL)
		judge(m, a->slot, a->msg, a->open, v, text, name);
	else if (still_there(m, a) && a->event == HOOK_UPDATE &&
		 v == HOOK_REFUSE)
		end_client(m, a);
	free_ask(m, a);
}

/* A text of a message, "" if it has none, or one that is too long. */
static const char *
text_of(const json_t *j, const char *name, size_t max)
{
	const json_t *v = json_object_get(j, name);
	const char *s = json_string_value(v);
	return s != NULL && json_string_length(v) < max ? s : "";
}

void
hooks_answered(struct master *m, const json_t *j)
{
	json_int_t id = json_integer_value(json_object_get(j, "id"));
	int v = hook_verdict_find(text_of(j, "verdict", 16));
	const char *name = text_of(j, "name", HOOKS_NAME);
	struct hook_ask *a = id > 0 ? take(m, (uint64_t)id) : NULL;
	if (a == NULL)
		return;
	if ((v == HOOK_RENAME || v == HOOK_REDIRECT) && *name == '\0')
		v = HOOK_FAIL;
	settle(m, a, v >= 0 ? (enum hook_verdict)v : HOOK_FAIL,
	    text_of(j, "text", HOOKS_TEXT), name);
}

static int
older(const void *a, const void *b)
{
	const struct hook_ask *const *x = a, *const *y = b;
	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

/* News that nobody has taken are told once more, if somebody will. */
static void
tell_again(struct master *m, struct hook_ask *a)
{
	json_t *j = a->again;
	uint64_t ms = (uint64_t)json_integer_value(json_object_get(j, "ms"));
	/* of one that is being killed, the next one is told */
	bool dying = m->hooks->child.pid != 0 && m->hooks->killed;
	if (!dying)
		a->again = NULL;
	if (!dying && !hooks_tell(m, j)) {
		free_ask(m, a);
		return;
	}
	set_deadline(m, a, ms);
	a->next = *chain(m, a->id);
	*chain(m, a->id) = a;
}

void
hooks_fail_all(struct master *m)
{
	struct hooks *h = m->hooks;
	unsigned n = 0, all = h->nasks;
	struct hook_ask **list = malloc((all + 1) * sizeof(struct hook_ask *));
	/* an answer may lead to a new question: that is of the next process */
	for (unsigned i = 0; i < HOOKS_TABLE; i++)
		for (struct hook_ask *a; (a = h->asks[i]) != NULL;) {
			h->asks[i] = a->next;
			if (list != NULL)
				list[n++] = a;
			else
				settle(m, a, HOOK_FAIL, "", "");
		}
	if (n > 0)
		qsort(list, n, sizeof(struct hook_ask *), older);
	for (unsigned i = 0; i < n; i++) {
		if (list[i]->again != NULL)
			tell_again(m, list[i]);
		else
			settle(m, list[i], HOOK_FAIL, "", "");
	}
	free(list);
}

/* News about its clients are told all the same. */
void
hooks_forget_worker(struct master *m, unsigned slot, uint64_t incarnation)
{
	for (unsigned i = 0; i < HOOKS_TABLE; i++)
		for (struct hook_ask **p = &m->hooks->asks[i], *a;
		     (a = *p) != NULL;) {
			if (a->slot != slot || a->incarnation != incarnation ||
			    a->again != NULL) {
				p = &a->next;
				continue;
			}
			*p = a->next;
			free_ask(m, a);
		}
}

void
hooks_free_asks(struct master *m)
{
	for (unsigned i = 0; i < HOOKS_TABLE; i++)
		for (struct hook_ask *a; (a = m->hooks->asks[i]) != NULL;) {
			m->hooks->asks[i] = a->next;
			free_ask(m, a);
		}
}

uint64_t
hooks_ask_tick(struct master *m, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;
	bool late = false;
	if (now_ns < m->hooks->ask_ns)
		return m->hooks->ask_ns;
	for (unsigned i = 0; i < HOOKS_TABLE; i++)
		for (const struct hook_ask *a = m->hooks->asks[i]; a != NULL;
		     a = a->next) {
			late |= now_ns >= a->deadline_ns;
			if (a->deadline_ns < next)
				next = a->deadline_ns;
		}
	if (late && m->hooks->child.pid != 0 && !m->hooks->killed) {
		m->hooks->late = true;
		hooks_kill(m->hooks); /* it answers in time, or it hangs */
	}
	m->hooks->ask_ns = next;
	if (late && m->hooks->child.pid == 0)
		hooks_drop_pieces(m->hooks); /* it does not start */
	if (late)
		hooks_fail_all(m);
	return m->hooks->ask_ns;
}
