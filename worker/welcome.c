#include "config.h"

#include <stdio.h>

#include "common/log.h"
#include "shm/directory.h"
#include "worker/node.h"
#include "worker/sessions.h"
#include "worker/welcome.h"

static void
write_window(struct writer *wr, struct session *s)
{
	wire_window_ack_size(wr, WIRE_WINDOW_DEFAULT);
	wire_peer_bandwidth(wr, WIRE_WINDOW_DEFAULT, 2);
	/* once, to everybody, before the answer (architecture rule 12) */
	if (!s->chunk_set)
		wire_set_chunk_size(wr, WIRE_CHUNK);
	s->chunk_set = true;
}

void
welcome_result(struct worker *w, const struct cmd_connect *cc, bool node,
    char node_text[NODE_TEXT], struct cmd_connect_result *r)
{
	*r = (struct cmd_connect_result){ .txn = cc->txn,
		.fms_ver = "FMS/" FMS_VERSION,
		.version = FMS_VERSION,
		.object_encoding = cc->object_encoding };
	if (node) {
		node_print(w, node_text);
		r->node = node_text;
	}
	cmd_answer_enhanced(
	    r, cc, CMD_CAPS_MULTITRACK | CMD_CAPS_MODEX | CMD_CAPS_NANO);
}

static struct span
part(const struct session *s, unsigned i)
{
	return directory_part(s->prefix, s->prefix_len, i);
}

static void
log_connect(struct worker *w, struct conn *c, const struct cmd_connect *cc)
{
	const struct session *s = session_of(w, c);
	conn_row_key(c, s->prefix, s->prefix_len);
	conn_row_agent(c, cc->flash_ver.p, cc->flash_ver.len);
	LOG(client_connect, .client = c->id, .addr = c->row->addr,
	    .vhost = part(s, 0), .app = part(s, 1), .instance = part(s, 2),
	    .agent = cc->flash_ver, .worker = w->self);
}

void
welcome_accept(struct worker *w, struct conn *c, const struct cmd_connect *cc)
{
	struct session *s = session_of(w, c);
	struct cmd_connect_result r;
	char node[NODE_TEXT];
	struct writer wr;
	if (!conn_write(w, c, SESSION_REPLY, &wr))
		return;
	s->connected = true;
	write_window(&wr, s);
	welcome_result(w, cc, s->edge, node, &r);
	r.tree = s->tree != NULL ? 1 : 0;
	cmd_write_connect_result(&wr, session_chunk(s), &r);
	conn_write_end(w, c, &wr);
	log_connect(w, c, cc);
}

void
welcome_words(const struct conf_vhost *v, enum reason why, const char *words,
    char text[320])
{
	snprintf(text, 320, "[ Server.Reject ] : (_defaultRoot_, %s) : %s",
	    v->name, words[0] != '\0' ? words : reason_text(why));
}

void
welcome_reject(struct worker *w, struct conn *c, double txn,
    const struct conf_vhost *v, enum reason why, const char *words)
{
	struct session *s = session_of(w, c);
	struct writer wr;
	char text[320];
	welcome_words(v, why, words, text);
	if (!conn_write(w, c, SESSION_REPLY, &wr))
		return;
	write_window(&wr, s);
	cmd_write_error(&wr, session_chunk(s), txn, reason_status(why), text);
	cmd_write_close(&wr, session_chunk(s));
	conn_write_end(w, c, &wr);
}

void
welcome_reject_raw(
    struct worker *w, struct conn *c, double txn, struct span info)
{
	struct session *s = session_of(w, c);
	struct writer wr;
	if (!conn_write(w, c, SESSION_REPLY + info.len, &wr))
		return;
	write_window(&wr, s);
	cmd_write_error_raw(&wr, session_chunk(s), txn, info);
	cmd_write_close(&wr, session_chunk(s));
	conn_write_end(w, c, &wr);
}
