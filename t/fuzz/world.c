#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/log.h"
#include "master/auth_run.h"
#include "master/kick.h"
#include "master/pulls.h"
#include "master/streams.h"
#include "rtmp/wire.h"
#include "shm/section.h"
#include "t/fuzz/fakenet.h"
#include "t/fuzz/keep.h"
#include "t/fuzz/world.h"
#include "worker/hooked.h"
#include "worker/glue.h"
#include "worker/hops.h"
#include "worker/link.h"
#include "worker/pull.h"
#include "worker/orders.h"
#include "worker/push.h"
#include "worker/scripted.h"
#include "worker/tree.h"
#include "worker/uplink.h"
#include "worker/upstream.h"

enum {
	ROWS = 16,
	TURNS_MAX = 20000,
	SCRATCH = 6 << 20,
	FDS = 4096,
	SENT_BY_SERVER = 1 + 2 * 1536
};

static struct world *the_world;
static struct client *by_fd[FDS];
static uint8_t scratch[SCRATCH];

/* Instead of common/clock.c. */
struct mono
clock_now(void)
{
	return the_world->now;
}

const char *
clock_wall(char buf[32])
{
	memcpy(buf, "2026-01-01T00:00:00.000Z", 25);
	return buf;
}

_Noreturn static void
fail(const struct client *c, const char *what)
{
	fprintf(stderr, "world: client %d: %s\n",
	    c != NULL ? (int)(c - c->x->client) : -1, what);
	abort();
}

/* The model must know that messages may be left out from now on. */
static void
receive(struct worker *w, struct netstream *ns, bool video, bool on)
{
	for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
		struct client *c = &the_world->client[i];
		struct conn *k =
		    &the_world->w[c->worker] == w ? client_conn(c) : NULL;
		if (k != NULL && session_stream(session_of(w, k), ns->id) == ns)
			c->filters = true;
	}
	play_receive(w, ns, video, on);
}

static struct session_ops session_ops;

/* Link -------------------------------------------------------------------- */

void
link_send(struct worker *w, struct ipc_msg *m)
{
	struct world *x = w->link->x;
	m->incarnation = w->incarnation;
	bug_on(x->nto_master == WORLD_QUEUE);
	x->to_master[x->nto_master++] = (struct said){ w->self, *m };
}

uint64_t
link_request(struct worker *w)
{
	return ++w->link->request;
}

bool
link_busy(const struct worker *w)
{
	return w->link->busy;
}

/* Of master/run.c. */
int
master_tell(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	struct world *x = the_world;
	(void)m;
	bug_on(x->nto_worker == WORLD_QUEUE);
	x->to_worker[x->nto_worker++] = (struct said){ slot, *msg };
	return 0;
}

/* Of master/auth_run.c: what the test says. */
enum reason
auth_ask(struct master *m, unsigned slot, enum token_use use,
    const struct ipc_publish *p)
{
	struct world *x = the_world;
	(void)m;
	(void)slot;
	x->asked++;
	x->asked_use = use;
	bug_on(p->querylen > sizeof p->query);
	snprintf(x->asked_query, sizeof x->asked_query, "%.*s",
	    (int)p->querylen, p->query);
	return x->auth_says;
}

/* Of master/proc.c. */
void
proc_kill(struct proc *p, enum proc_why why)
{
	(void)p;
	(void)why;
	bug_on(true);
}

void
master_wake_all(const struct master *m)
{
	(void)m;
}

/* Callbacks let everybody in; what else they are told of is nobody's business. */
static bool
is_callback(struct world *x, const struct said *s)
{
	struct ipc_msg m = { .kind = IPC_ADMIT, .request = s->m.request };
	if (s->m.kind == IPC_CONNECT)
		(void)master_tell(&x->master, s->slot, &m);
	return s->m.kind == IPC_CONNECT || s->m.kind == IPC_CLIENT ||
	       s->m.kind == IPC_GONE || s->m.kind == IPC_DONE;
}

static bool
master_turn(struct world *x)
{
	bool any = x->nto_master > 0;
	for (unsigned i = 0; i < x->nto_master; i++) {
		const struct said *s = &x->to_master[i];
		if (is_callback(x, s))
			continue;
		bool pulls = s->m.kind >= IPC_WANT;
		bug_on((pulls ? pulls_message : streams_message)(
			   &x->master, s->slot, &s->m) != 0);
	}
	x->nto_master = 0;
	streams_tick(&x->master, x->now.ns);
	pulls_tick(&x->master, x->now.ns);
	if (!x->hold && x->nto_worker > 0) {
		world_release(x);
		any = true;
	}
	return any;
}

void
world_release(struct world *x)
{
	unsigned n = x->nto_worker;
	for (unsigned i = 0; i < n; i++) {
		struct worker *w = &x->w[x->to_worker[i].slot];
		w->now = x->now;
		glue_answer(w, &x->to_worker[i].m);
		conns_reap(w);
		x->poked[w->self] = true;
	}
	x->nto_worker -= n;
	memmove(x->to_worker, x->to_worker + n,
	    x->nto_worker * sizeof *x->to_worker);
}

/* Sending ----------------------------------------------------------------- */

static int32_t
take(void *ctx, int fd, const struct iovec *iov, unsigned n)
{
	struct client *c = fd >= 0 && fd < FDS ? by_fd[fd] : NULL;
	size_t sum = 0;
	(void)ctx;
	bug_on(c == NULL);
	for (unsigned i = 0; i < n; i++)
		sum += iov[i].iov_len;
	c->offered = sum > c->offered ? sum : c->offered;
	sum = 0;
	if (c->reset)
		return -ECONNRESET;
	if (c->window == 0)
		return -EAGAIN;
	for (unsigned i = 0; i < n && c->window > 0; i++) {
		size_t k =
		    iov[i].iov_len < c->window ? iov[i].iov_len : c->window;
		bug_on(iov[i].iov_len == 0);
		c->window -= k;
		sum += k;
		c->received += k;
		tap_feed(&c->tap, iov[i].iov_base, k);
		if (c->tap.broken)
			fail(c, c->tap.why != NULL ? c->tap.why : "contexts");
		if (c->tap.mixed)
			fail(c, "a message inside another");
	}
	return (int32_t)sum;
}

/* What c plays on message stream msid; NULL if nothing and not to be made. */
static struct world_play *
play_of(struct client *c, uint32_t msid, bool make)
{
	for (unsigned i = 0; i < WORLD_PLAYS && msid != 0; i++) {
		struct world_play *p = &c->play[i];
		if (p->msid == 0 && make)
			p->msid = msid;
		if (p->msid == msid)
			return p;
	}
	return NULL;
}

static void
note_status(struct client *c, const struct cmd *k, uint32_t msid)
{
	struct cmd_reply r;
	static const char started[] = "Started playing ";
	if (cmd_parse_reply(k, &r) != AMF0_OK) {
		/* a server above may say anything, and it goes on */
		if (c->x->far)
			return;
		fail(c, "a reply that cannot be read");
	}
	if (k->id == CMD_RESULT && r.has_number)
		c->result = r.number;
	if (r.code.len == 0)
		return;
	char *to = c->status[c->nstatus++ % WORLD_STATUSES];
	snprintf(to, sizeof c->status[0], "%.*s", (int)r.code.len, r.code.p);
	size_t n = sizeof started - 1;
	if (k->id != CMD_ON_STATUS ||
	    !span_is(r.code, "NetStream.Play.Start") ||
	    (c->x->far && msid == 0))
		return;
	if (r.description.len < n + 1 ||
	    memcmp(r.description.p, started, n) != 0)
		fail(c, "Play.Start without a name");
	struct world_play *p = play_of(c, msid, true);
	if (p == NULL)
		fail(c, "Play.Start on no message stream");
	snprintf(p->name, sizeof p->name, "%.*s",
	    (int)(r.description.len - n - 1), r.description.p + n);
	p->player.anywhere = true;
}

static void
keep_message(struct client *c, const struct tap_msg *m)
{
	c->got = realloc(c->got, (c->ngot + 1) * sizeof *c->got);
	bug_on(c->got == NULL);
	uint8_t *data = malloc(m->len + 1);
	bug_on(data == NULL);
	memcpy(data, m->data, m->len);
	c->got[c->ngot++] =
	    (struct model_msg){ m->type, false, m->ts, m->len, data };
}

static void
keep_command(struct client *c, const struct tap_msg *m)
{
	c->cmd = realloc(c->cmd, (c->ncmd + 1) * sizeof *c->cmd);
	bug_on(c->cmd == NULL);
	uint8_t *data = malloc(m->len + 1);
	bug_on(data == NULL);
	memcpy(data, m->data, m->len);
	c->cmd[c->ncmd++] =
	    (struct world_cmd){ m->type, m->msid, m->len, data };
}

/* The server sent a whole message. */
static void
on_message(void *ctx, const struct tap_msg *m)
{
	struct client *c = ctx;
	struct wire_control k;
	struct cmd cmd;
	if (m->type == WIRE_COMMAND || m->type == WIRE_COMMAND_AMF3) {
		if (cmd_parse(m->type, m->data, m->len, &cmd) != AMF0_OK)
			fail(c, "a command that cannot be read");
		if (c->listens)
			keep_command(c, m);
		/* of virtual clients it says what others have said */
		if ((cmd.id == CMD_RESULT || cmd.id == CMD_ERROR ||
			cmd.id == CMD_ON_STATUS) &&
		    !c->above && !c->edge)
			note_status(c, &cmd, m->msid);
	} else if (m->type == WIRE_AUDIO || m->type == WIRE_VIDEO ||
		   m->type == WIRE_DATA) {
		struct world_play *p = play_of(c, m->msid, false);
		if (p == NULL)
			fail(c, "media of another message stream");
		p->player.filters |= c->filters;
		const char *why =
		    model_sent(&c->x->model, &p->player, p->name, m);
		if (why != NULL)
			fail(c, why);
		if (c->keep)
			keep_message(c, m);
	} else if (!wire_parse_control(m->type, m->data, m->len, &k)) {
		fail(c, "a control message that cannot be read");
	} else if (m->type == WIRE_SET_CHUNK_SIZE) {
		c->chunk_sets++;
	} else if (m->type == WIRE_USER_CONTROL &&
		   k.event == WIRE_PING_RESPONSE) {
		c->pong = k.value;
		c->pong_at = c->ngot;
	} else if (m->type == WIRE_USER_CONTROL &&
		   k.event == WIRE_PING_REQUEST) {
		c->pinged++;
		c->ping = k.value;
	}
}

/* What clients sent ------------------------------------------------------- */

static uint64_t
hash(uint8_t type, const uint8_t *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ type ^ n, v;
	for (size_t i = 0; i < n; i += sizeof v) {
		v = 0;
		memcpy(&v, p + i, n - i < sizeof v ? n - i : sizeof v);
		h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static void
know(struct client *c, uint64_t h)
{
	if ((c->nknown & (c->nknown - 1)) == 0) {
		size_t n = c->nknown == 0 ? 1 : 2 * c->nknown;
		c->known = realloc(c->known, n * sizeof *c->known);
		bug_on(c->known == NULL);
	}
	c->known[c->nknown++] = h;
}

/* A client has said this; data messages reach players as AMF0, unwrapped. */
static void
on_said(void *ctx, const struct tap_msg *m)
{
	struct client *c = ctx;
	struct data_msg d;
	bool is_data = m->type == WIRE_DATA || m->type == WIRE_DATA_AMF3;
	if (m->type == WIRE_AUDIO || m->type == WIRE_VIDEO)
		know(c, hash(m->type, m->data, m->len));
	else if (is_data && data_parse(m->type, m->data, m->len, &d) == AMF0_OK)
		know(c, hash(WIRE_DATA, m->data + d.offset, m->len - d.offset));
}

static bool
known(void *ctx, uint64_t id, uint8_t type, const uint8_t *p, uint32_t n)
{
	struct world *x = ctx;
	uint64_t h = hash(type, p, n);
	for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
		const struct client *c = &x->client[i];
		for (size_t k = c->nknown; c->id == id && k-- > 0;)
			if (c->known[k] == h)
				return true;
	}
	return false;
}

/* Life -------------------------------------------------------------------- */

static void
start_worker(struct world *x, unsigned i)
{
	struct worker *w = &x->w[i];
	int listener = dup(0);
	w->conf = x->conf;
	w->arena = x->master.arena;
	w->self = i;
	w->slot = w->arena.slot[i];
	w->incarnation = 7 + i;
	w->now = x->now;
	for (unsigned k = 0; k < SLOTS_MAX; k++)
		w->eventfd[k] = -1;
	x->link[i].x = x;
	w->link = &x->link[i];
	x->master.slot[i].proc.pid = 1;
	x->master.slot[i].proc.ready = true;
	x->master.slot[i].proc.incarnation = w->incarnation;
	w->loop = fake_loop_new(take, x);
	bufpool_init(&w->pool, (size_t)x->conf->input_bytes);
	bug_on(conns_init(w, &glue_conn_ops, ROWS) != 0);
	session_ops = glue_session_ops;
	session_ops.receive = receive;
	bug_on(sessions_init(w, &session_ops, ROWS) != 0);
	bug_on(publishers_init(w) != 0);
	bug_on(players_init(w) != 0);
	bug_on(hops_init(w) != 0);
	bug_on(pull_init(w) != 0);
	bug_on(pushes_init(w) != 0);
	bug_on(orders_init(w) != 0);
	bug_on(guests_init(w) != 0);
	bug_on(trees_init(w) != 0);
	bug_on(scripted_init(w, -1) != 0);
	bug_on(hooked_init(w) != 0);
	bug_on(uplinks_init(w) != 0);
	/* the same for every run */
	w->sessions->seed = 1;
	conns_listen(w, &listener, 1);
}

/* For worker/slow.c. */
int
tcpinfo_read(int fd, struct tcp_sample *t)
{
	for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
		const struct client *c = &the_world->client[i];
		if (!c->used || c->gone || c->fd != fd || !c->has_tcp)
			continue;
		*t = c->tcp;
		return 0;
	}
	return -ENOTSOCK;
}

/* All defaults, a virtual host more, and a route for those who make an edge of it. */
static struct conf *
conf_with_route(void)
{
	static struct conf_vhost v[2];
	static struct conf_app a[2];
	static struct conf_route r[2];
	struct conf_parts parts = { .vhost = v, .app = a, .route = r };
	char err[80];
	conf_defaults(&parts.head, CONF_SERVER);
	conf_defaults(&parts.head, CONF_ADAPTOR);
	memset(v, 0, sizeof v);
	memset(a, 0, sizeof a);
	for (uint32_t i = 0; i < 2; i++) {
		conf_defaults(&v[i], CONF_VHOST);
		conf_defaults(&a[i], CONF_APP);
		snprintf(v[i].name, sizeof v[i].name, "%s",
		    i == 0 ? CONF_DEFAULT_VHOST : "other.test");
		a[i].vhost = i;
	}
	bug_on(route_parse("*:*;192.0.2.1:1935", &r[0], err, sizeof err) != 0);
	bug_on(route_parse("*:*;192.0.2.1:1936", &r[1], err, sizeof err) != 0);
	parts.head.nvhosts = parts.head.napps = 2;
	parts.head.nroutes = 2;
	struct conf *c = conf_pack(&parts);
	if (c != NULL)
		conf_vhost(c, 0)->nroutes =
		    1; /* the other where it is wanted */
	return c;
}

struct world *
world_new(void)
{
	const struct seat_range waiting = { 0, WORLD_SEATS };
	const struct arena_size size = { .nslots = WORLD_WORKERS,
		.nseats = (uint32_t)seats_words(WORLD_SEATS),
		.nblocks = WORLD_BLOCKS,
		.nrows = ROWS + WORLD_VIRTUAL,
		.bytes = (uint64_t)WORLD_SEGMENTS * SEGMENT_SIZE };
	struct world *x = keep_get(sizeof *x);
	memset(x, 0, sizeof *x);
	the_world = x;
	log_open(-1, LOG_LEVEL_DEBUG);
	x->now = (struct mono){ 1000000 * NS_PER_S };
	x->conf = conf_with_route();
	bug_on(x->conf == NULL);
	x->app = conf_app(x->conf, 0);
	x->conf->input_bytes = 16 << 20;
	x->conf->max_waiting = WORLD_SEATS;
	x->app->stream_bytes = 1 << 20;
	x->conf->seats[SEAT_WAITING] = waiting;
	x->master.conf = x->conf;
	x->master.nslots = WORLD_WORKERS;
	keep_arena(&x->master.arena, &size, &x->master.arena_fds);
	x->master.kick = kick_new();
	bug_on(x->master.kick == NULL);
	x->master.pulls = pulls_new(x->conf);
	bug_on(x->master.pulls == NULL);
	x->master.streams = streams_new(WORLD_BLOCKS);
	bug_on(x->master.streams == NULL);
	for (unsigned i = 0; i < WORLD_WORKERS; i++)
		start_worker(x, i);
	model_begin(&x->model, &x->master.arena);
	x->model.known = known;
	x->model.ctx = x;
	return x;
}

static void
stop_worker(struct worker *w)
{
	conns_stop_listening(w);
	uplinks_fini(w);
	pull_fini(w);
	orders_fini(w);
	trees_fini(w);
	scripted_fini(w);
	hooked_fini(w);
	guests_fini(w);
	pushes_fini(w);
	hops_fini(w);
	players_fini(w);
	publishers_fini(w);
	sessions_fini(w);
	conns_fini(w);
	bufpool_fini(&w->pool);
	loop_free(w->loop);
}

static void
forget(struct client *c)
{
	tap_fini(&c->mirror);
	tap_fini(&c->tap);
	for (size_t i = 0; i < c->ngot; i++)
		free(c->got[i].data);
	free(c->got);
	for (size_t i = 0; i < c->ncmd; i++)
		free(c->cmd[i].data);
	free(c->cmd);
	keep_put(c->out, c->out_cap);
	free(c->known);
	if (c->fd >= 0 && by_fd[c->fd] == c)
		by_fd[c->fd] = NULL;
}

/* What must be so whenever no turn is running. */
static void
check_always(const struct world *x)
{
	for (unsigned i = 0; i < WORLD_WORKERS; i++) {
		const struct worker *w = &x->w[i];
		bug_on(section_inside(w->slot));
		bug_on(fake_lent(w->loop) != 0 && !fake_pending(w->loop));
	}
}

/* For people: what has not ended. */
static void
list_open(const struct world *x, const struct worker *w)
{
	for (uint32_t i = 0; i < w->conns->high; i++) {
		const struct conn *c = &w->conns->table[i];
		const struct publish *p = TAILQ_FIRST(&w->publishers->all);
		if (c->state == CONN_FREE)
			continue;
		fprintf(stderr,
		    "world: open: state %d paused %d armed %d eof %d\n",
		    c->state, c->paused, c->recv_armed, c->eof);
		if (p != NULL)
			fprintf(stderr, "world: publish resumes in %lld ms\n",
			    (long long)(p->resume.ns - x->now.ns) / 1000000);
	}
}

static void
check_empty(const struct world *x, unsigned i)
{
	const struct worker *w = &x->w[i];
	const struct arena *a = &w->arena;
	list_open(x, w);
	bug_on(w->conns->open != 0);
	bug_on(
	    !TAILQ_EMPTY(&w->conns->ready) || !TAILQ_EMPTY(&w->conns->doomed));
	bug_on(w->publishers->n != 0 || !LIST_EMPTY(&w->publishers->ended));
	bug_on(!TAILQ_EMPTY(&w->publishers->active));
	bug_on(w->publishers->pool.used != 0);
	bug_on(w->players->n != 0 || w->players->tails != 0);
	bug_on(!TAILQ_EMPTY(&w->players->idle) ||
	       !TAILQ_EMPTY(&w->players->dirty));
	bug_on(
	    !TAILQ_EMPTY(&w->players->run) || !TAILQ_EMPTY(&w->players->join));
	for (unsigned k = 0; k < TITLE_BUCKETS; k++)
		bug_on(!LIST_EMPTY(&w->players->titles[k]));
	bug_on(w->pool.lent != 0);
	bug_on(seats_used(&w->arena, &w->conf->seats[SEAT_WAITING]) != 0);
	bug_on(fake_lent(w->loop) != 0);
	for (unsigned k = 0; k < BLOCK_WORDS; k++)
		bug_on(w->slot->interest[k] != 0);
	for (unsigned k = 0; k < WORLD_BLOCKS; k++) {
		bug_on(w->slot->readers[k] != 0);
		bug_on(w->players->watch[k] != NULL);
		bug_on(arena_half(a, i, k)->gen != 0);
	}
	bug_on(arena_segments_used(a, i) != 0);
	bug_on(w->slot->clients != 0);
	for (unsigned k = 0; k < ROWS; k++)
		bug_on(w->sessions->table[k].input != 0);
	for (unsigned k = 0; k < ROWS + WORLD_VIRTUAL; k++)
		bug_on(arena_row(a, i, k)->role != ROW_FREE);
}

static bool
some_open(const struct world *x)
{
	unsigned n = 0;
	for (unsigned i = 0; i < WORLD_WORKERS; i++)
		n += x->w[i].conns->open;
	return n > 0;
}

void
world_drain(struct world *x)
{
	x->hold = false;
	for (unsigned i = 0; i < WORLD_CLIENTS; i++) {
		client_window(&x->client[i], SIZE_MAX);
		client_end(&x->client[i], 0);
	}
	world_run(x);
	/* LINGER, draining, grace, deadlines of a sweep; those that are read
	 * slowly keep their end for later */
	for (unsigned i = 0; i < 40 || (i < 4000 && some_open(x)); i++) {
		for (unsigned k = 0; k < WORLD_CLIENTS; k++)
			client_end(&x->client[k], 0);
		world_clock(x, 250);
		world_run(x);
	}
}

void
world_end(struct world *x)
{
	world_drain(x);
	for (unsigned i = 0; i < WORLD_WORKERS; i++)
		check_empty(x, i);
	bug_on(streams_live(x->master.streams) != 0);
	for (unsigned b = 0; b < WORLD_BLOCKS; b++)
		bug_on(state_of(x->master.arena.control->block[b].state_gen) !=
		       BLOCK_FREE);
	for (unsigned i = 0; i < WORLD_WORKERS; i++)
		stop_worker(&x->w[i]);
	for (unsigned i = 0; i < WORLD_CLIENTS; i++)
		if (x->client[i].used)
			forget(&x->client[i]);
	streams_free(x->master.streams);
	kick_free(x->master.kick);
	pulls_free(x->master.pulls);
	model_end(&x->model);
	the_world = NULL;
	free(x->conf);
	keep_put(x, sizeof *x);
}

/* Turns ------------------------------------------------------------------- */

static void
tick(struct world *x, struct worker *w)
{
	bool due = !mono_before(x->now, x->next_tick[w->self]);
	if (due)
		x->next_tick[w->self] = mono_add_ms(x->now, TICK_MS);
	w->wake_at = x->next_tick[w->self];
	if (!due)
		return;
	conns_tick(w);
	players_tick(w);
	publishers_tick(w);
	trees_tick(w);
}

void
world_turn(struct world *x, unsigned i)
{
	struct worker *w = &x->w[i];
	struct loop_event e;
	w->now = x->now;
	x->poked[i] = false;
	tick(x, w);
	while (loop_next(w->loop, &e)) {
		conns_event(w, &e);
		conns_reap(w);
	}
	if (x->far) {
		upstreams_tick(w);
		uplinks_tick(w);
		conns_reap(w);
	}
	publishers_pass(w);
	conns_reap(w);
	players_pass(w);
	conns_reap(w);
	word_add(&w->slot->loops, 1);
	check_always(x);
}

static bool
has_work(struct world *x, unsigned i)
{
	struct worker *w = &x->w[i];
	return x->poked[i] || fake_pending(w->loop) ||
	       !mono_before(x->now, w->wake_at) ||
	       !wake_may_sleep(&w->arena, i);
}

void
world_run(struct world *x)
{
	bool more = true;
	for (unsigned n = 0; more; n++) {
		/* nothing arrives, and no time passes: it must come to rest */
		bug_on(n == TURNS_MAX);
		more = master_turn(x);
		for (unsigned i = 0; i < WORLD_WORKERS; i++) {
			if (n > 0 && !has_work(x, i))
				continue;
			wake_awake(&x->w[i].arena, i);
			world_turn(x, i);
			more = true;
		}
	}
}

void
world_clock(struct world *x, uint64_t ms)
{
	x->now = mono_add_ms(x->now, ms);
}

void
world_wait(struct world *x, uint64_t ms)
{
	while (ms > 0) {
		uint64_t step = ms < 10 ? ms : 10;
		world_clock(x, step);
		world_run(x);
		ms -= step;
	}
}

/* Clients ----------------------------------------------------------------- */

static struct conn *
find_conn(struct worker *w, int fd)
{
	for (uint32_t i = 0; i < w->conns->high; i++) {
		struct conn *c = &w->conns->table[i];
		if (c->state != CONN_FREE && c->fd == fd)
			return c;
	}
	return NULL;
}

/* One never used, or one whose connection is gone. */
static struct client *
free_client(struct world *x)
{
	for (unsigned i = 0; i < WORLD_CLIENTS; i++)
		if (!x->client[i].used)
			return &x->client[i];
	for (unsigned i = 0; i < WORLD_CLIENTS; i++)
		if (client_conn(&x->client[i]) == NULL) {
			forget(&x->client[i]);
			x->client[i].used = false;
			return &x->client[i];
		}
	return NULL;
}

/* The other end of a new connection. */
static void
start_client(struct world *x, struct client *c, unsigned worker)
{
	*c = (struct client){ .x = x,
		.worker = worker,
		.fd = open("/dev/null", O_RDWR | O_CLOEXEC),
		.chunk = WIRE_CHUNK_DEFAULT,
		.window = SIZE_MAX };
	bug_on(c->fd < 0 || c->fd >= FDS);
	tap_init(&c->mirror, SENT_BY_SERVER, on_said, c);
	tap_init(&c->tap, SENT_BY_SERVER, on_message, c);
	if (by_fd[c->fd] != NULL)
		by_fd[c->fd]->fd = -1;
	by_fd[c->fd] = c;
}

/* What the worker has made of it; NULL: nothing. */
static struct client *
connected(struct client *c)
{
	struct conn *k = find_conn(&c->x->w[c->worker], c->fd);
	c->used = k != NULL;
	if (k == NULL) {
		forget(c);
		return NULL;
	}
	c->index = k->index;
	c->gen = k->gen;
	c->id = k->id;
	return c;
}

struct client *
client_open(struct world *x, unsigned worker)
{
	struct client *c = free_client(x);
	if (c == NULL || !fake_accept_armed(x->w[worker].loop, 0))
		return NULL;
	start_client(x, c, worker);
	fake_accept(x->w[worker].loop, 0, c->fd, true);
	world_turn(x, worker);
	return connected(c);
}

/* The first name that is asked for has an address, as the route says. */
static void
resolve_one(struct world *x, struct worker *w)
{
	struct addr a;
	bug_on(addr_parse("192.0.2.1", 9, &a) != 0);
	w->now = x->now;
	fakenet_resolve(w, &a, NULL);
}

bool
server_missing(struct world *x, unsigned worker)
{
	struct worker *w = &x->w[worker];
	if (fakenet_dialling(w) == 0)
		resolve_one(x, w);
	bool any = fakenet_dial(w, -1, "connection refused");
	conns_reap(w);
	x->poked[worker] = true;
	return any;
}

struct client *
server_open(struct world *x, unsigned worker)
{
	struct worker *w = &x->w[worker];
	struct client *c = free_client(x);
	if (c == NULL)
		return NULL;
	if (fakenet_dialling(w) == 0)
		resolve_one(x, w);
	if (fakenet_dialling(w) == 0)
		return NULL;
	start_client(x, c, worker);
	c->above = true;
	fakenet_dial(w, c->fd, NULL);
	x->poked[worker] = true;
	if (connected(c) == NULL)
		return NULL;
	memset(scratch, 0x5a, HS_SERVER_OUT);
	scratch[0] = 3;
	client_put(c, scratch, HS_SERVER_OUT);
	client_set_chunk(c, 65536);
	return c;
}

struct conn *
client_conn(struct client *c)
{
	return c->used ? conn_at(&c->x->w[c->worker], c->index, c->gen) : NULL;
}

void
client_put(struct client *c, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (c->out_off > 0 && c->out_off == c->out_len)
		c->out_off = c->out_len = 0;
	if (c->out_len + n > c->out_cap) {
		size_t cap = 2 * (c->out_len + n);
		c->out = keep_grow(c->out, c->out_cap, c->out_len, cap);
		c->out_cap = cap;
	}
	memcpy(c->out + c->out_len, p, n);
	c->out_len += n;
}

/* One piece; false when the server does not read. */
static bool
deliver(struct client *c, size_t n)
{
	const uint8_t *p = c->out + c->out_off;
	struct loop *l = c->x->w[c->worker].loop;
	if (!fake_recv_armed(l, c->index, c->gen))
		return false;
	tap_feed(&c->mirror, p, n);
	fake_recv(l, c->index, c->gen, p, (int32_t)n, true);
	c->out_off += n;
	return true;
}

size_t
client_deliver(struct client *c, size_t n, size_t cut)
{
	size_t done = 0;
	if (cut == 0 || cut > FAKE_BUFFER_SIZE)
		cut = FAKE_BUFFER_SIZE;
	while (done < n && client_conn(c) != NULL && c->out_off < c->out_len) {
		size_t k = c->out_len - c->out_off;
		k = k < n - done ? k : n - done;
		k = k < cut ? k : cut;
		if (!deliver(c, k))
			break;
		done += k;
		world_turn(c->x, c->worker);
	}
	return done;
}

void
client_end(struct client *c, int32_t res)
{
	if (client_conn(c) == NULL)
		return;
	if (res < 0)
		c->reset = true;
	fake_recv(c->x->w[c->worker].loop, c->index, c->gen, NULL, res, false);
}

void
client_window(struct client *c, size_t n)
{
	if (!c->used)
		return;
	c->window = n;
	if (n > 0 || c->reset)
		fake_writable(c->x->w[c->worker].loop, c->index, c->gen);
}

/* Well-formed input ------------------------------------------------------- */

void
client_shake(struct client *c)
{
	struct hs_client h;
	memset(scratch, 0x5a, HS_CLIENT_OUT + HS_PACKET);
	hs_client_init(&h, 1, scratch);
	client_put(c, scratch, HS_CLIENT_OUT + HS_PACKET);
}

static void
put_written(struct client *c, const struct writer *wr)
{
	bug_on(!writer_ok(wr));
	client_put(c, wr->buf, wr->len);
}

void
client_message(struct client *c, uint32_t csid, uint8_t type, uint32_t msid,
    uint32_t ts, const void *p, size_t n)
{
	struct writer wr;
	writer_init(&wr, scratch, sizeof scratch);
	wire_write(&wr, csid, type, msid, ts, p, n, c->chunk);
	put_written(c, &wr);
}

void
client_connect(struct client *c, const char *app)
{
	struct writer wr;
	const struct cmd_connect k = { .txn = 1,
		.app = span_of(app),
		.tc_url = span_of("rtmp://localhost/live"),
		.flash_ver = span_of("FMLE/3.0"),
		.type = span_of("nonprivate") };
	writer_init(&wr, scratch, sizeof scratch);
	cmd_write_connect(&wr, c->chunk, &k);
	put_written(c, &wr);
}

void
client_call(struct client *c, enum cmd_id id, uint32_t msid)
{
	struct writer wr;
	writer_init(&wr, scratch, sizeof scratch);
	cmd_write_call(&wr, c->chunk, id, msid, 2);
	put_written(c, &wr);
}

void
client_call_name(struct client *c, enum cmd_id id, const char *name)
{
	struct writer wr;
	writer_init(&wr, scratch, sizeof scratch);
	cmd_write_call_name(&wr, c->chunk, id, 3, span_of(name));
	put_written(c, &wr);
}

void
client_publish(struct client *c, uint32_t msid, const char *name)
{
	struct writer wr;
	writer_init(&wr, scratch, sizeof scratch);
	cmd_write_publish(&wr, c->chunk, msid, 4, span_of(name), "live",
	    (struct span){ "", 0 }, 0);
	put_written(c, &wr);
}

void
client_play(struct client *c, uint32_t msid, const char *name)
{
	struct writer wr;
	writer_init(&wr, scratch, sizeof scratch);
	cmd_write_play(&wr, c->chunk, msid, 4, span_of(name), -2000,
	    (struct span){ "", 0 }, 0);
	put_written(c, &wr);
}

void
client_delete(struct client *c, uint32_t msid)
{
	struct writer wr;
	writer_init(&wr, scratch, sizeof scratch);
	cmd_write_delete_stream(&wr, c->chunk, 5, msid);
	put_written(c, &wr);
}

void
client_set_chunk(struct client *c, uint32_t size)
{
	struct writer wr;
	writer_init(&wr, scratch, sizeof scratch);
	wire_set_chunk_size(&wr, size);
	put_written(c, &wr);
	c->chunk = size;
}

uint8_t
frame_type(enum frame f)
{
	return f == AUDIO || f == AUDIO_HEADER ? WIRE_AUDIO
	       : f == META || f == DATA	       ? WIRE_DATA
					       : WIRE_VIDEO;
}

static size_t
make_data(enum frame f, uint8_t *to, size_t n, uint32_t seed)
{
	struct writer wr;
	writer_init(&wr, to, n);
	if (f == META)
		amf0_write_text(&wr, "@setDataFrame");
	amf0_write_text(&wr, f == META ? "onMetaData" : "onCuePoint");
	amf0_ecma_begin(&wr, 1);
	amf0_prop_number(&wr, "seed", seed);
	amf0_object_end(&wr);
	return writer_ok(&wr) ? wr.len : 0;
}

size_t
frame_make(enum frame f, uint8_t *to, size_t n, uint32_t seed)
{
	static const uint8_t head[][2] = { { 0x17, 1 }, { 0x27, 1 },
		{ 0x17, 0 }, { 0xaf, 1 }, { 0xaf, 0 } };
	if (f == META || f == DATA)
		return make_data(f, to, n < 128 ? 128 : n, seed);
	for (size_t i = 0; i < n; i += sizeof seed) {
		seed = seed * 1664525 + 1013904223;
		memcpy(
		    to + i, &seed, n - i < sizeof seed ? n - i : sizeof seed);
	}
	memcpy(to, head[f], n < 2 ? n : 2);
	return n;
}

void
client_frame(struct client *c, enum frame f, uint32_t msid, uint32_t ts,
    size_t n, uint32_t seed)
{
	static uint8_t frame[2 << 20];
	static const uint32_t csid[] = {
		[WIRE_AUDIO] = 4, [WIRE_VIDEO] = 6, [WIRE_DATA] = 5
	};
	bug_on(n > sizeof frame);
	n = frame_make(f, frame, n, seed);
	uint8_t type = frame_type(f);
	client_message(c, csid[type], type, msid, ts, frame, n);
}

bool
client_was_told(const struct client *c, const char *code)
{
	for (unsigned i = 0; i < c->nstatus && i < WORLD_STATUSES; i++)
		if (strcmp(c->status[i], code) == 0)
			return true;
	return false;
}
