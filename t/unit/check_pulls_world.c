/*
 * check_pulls_world - the master beside four simple workers that keep to the
 * protocol of common/ipc.h while messages take their time, players come and go,
 * names are refused, media comes and ends, and workers die at any step.  At rest
 * each wanted name is pulled by exactly one worker, and no other name by any.
 */
#include "config.h"

#include "t/unit/pulls_fixture.h"

enum { NAMES = 6, STEPS = 4000, ROUNDS = 150, OUT_MAX = 4096 };

/* What a worker knows of one name. */
struct title {
	bool players, asked; /* there are some; WANT was said */
	uint64_t pull;	     /* 0: it does not pull it */
	uint64_t request;    /* PUBLISH without an answer; 0: none */
	bool live;
	struct ipc_msg grant;
};

struct worker_model {
	struct title title[NAMES];
	struct ipc_msg *out; /* to the master, unread */
	unsigned nout;
	uint64_t requests;
};

static struct worker_model W[FIX_SLOTS];
static uint64_t seed;

static unsigned
dice(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % n;
}

static const char *
name_of(unsigned i)
{
	static char name[8];
	snprintf(name, sizeof name, "n%u", i);
	return name;
}

static unsigned
index_of(const char *key, size_t keylen)
{
	size_t n;
	const char *p = directory_key_part(key, keylen, 3, &n);
	ck_assert(n == 2 && p[0] == 'n' && p[1] >= '0' && p[1] < '0' + NAMES);
	return (unsigned)(p[1] - '0');
}

/* Worker to master. ------------------------------------------------------- */

static void
say(unsigned slot, const struct ipc_msg *m)
{
	struct worker_model *w = &W[slot];
	ck_assert_uint_lt(w->nout, OUT_MAX);
	w->out[w->nout++] = *m;
}

static void
say_of(unsigned slot, enum ipc_kind kind, unsigned i)
{
	struct ipc_msg m = { .kind = kind };
	m.u.pull.keylen = key_of(m.u.pull.key, name_of(i));
	if (kind == IPC_WANT && dice(2) == 0) {
		m.u.pull.vialen = VIA_DIGITS;
		memset(m.u.pull.via, "0123456789abcdef"[dice(16)], VIA_DIGITS);
	}
	say(slot, &m);
}

static void
say_publish(unsigned slot, unsigned i)
{
	struct title *t = &W[slot].title[i];
	struct ipc_msg m = { .kind = IPC_PUBLISH };
	m.request = t->request = ++W[slot].requests;
	m.u.publish.pull = t->pull;
	m.u.publish.keylen = key_of(m.u.publish.key, name_of(i));
	say(slot, &m);
}

/* The end of a stream, and of its memory. */
static void
say_end(unsigned slot, const struct ipc_msg *grant)
{
	struct ipc_msg m = { .kind = IPC_UNPUBLISH };
	m.u.stream = grant->u.stream;
	m.u.stream.reason =
	    dice(2) == 0 ? REASON_UNPUBLISHED : REASON_UPSTREAM_LOST;
	say(slot, &m);
	m.kind = IPC_FREED;
	say(slot, &m);
}

static void
say_pulled(unsigned slot, uint64_t id, enum pull_state state)
{
	struct ipc_msg m = { .kind = IPC_PULLED };
	m.u.pulled.id = id;
	m.u.pulled.state = state;
	m.u.pulled.reason = state == PULL_REFUSED ? REASON_LOOP : REASON_NONE;
	say(slot, &m);
}

/* The master reads one message. */
static bool
master_reads(unsigned slot)
{
	struct worker_model *w = &W[slot];
	if (M.slot[slot].proc.pid == 0 || w->nout == 0)
		return false;
	struct ipc_msg m = w->out[0];
	memmove(w->out, w->out + 1, --w->nout * sizeof *w->out);
	bool pulls = m.kind >= IPC_WANT;
	ck_assert_int_eq(
	    (pulls ? pulls_message : streams_message)(&M, slot, &m), 0);
	return true;
}

/* Master to worker. ------------------------------------------------------- */

static void
stop_pulling(unsigned slot, struct title *t)
{
	if (t->live)
		say_end(slot, &t->grant);
	t->pull = 0;
	t->live = false;
	t->request = 0; /* an answer that comes is of nobody */
}

static struct title *
of_request(unsigned slot, uint64_t request)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (W[slot].title[i].request == request)
			return &W[slot].title[i];
	return NULL;
}

static void
on_grant(unsigned slot, const struct ipc_msg *m)
{
	struct title *t = of_request(slot, m->request);
	if (t == NULL) {
		say_end(slot, m);
		return;
	}
	t->request = 0;
	t->live = true;
	t->grant = *m;
}

static void
on_deny(unsigned slot, const struct ipc_deny *d)
{
	unsigned i = index_of(d->key, d->keylen);
	W[slot].title[i].players = W[slot].title[i].asked = false;
	say_of(slot, IPC_UNWANT, i);
}

static void
on_drop(unsigned slot, uint64_t id)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (W[slot].title[i].pull == id)
			stop_pulling(slot, &W[slot].title[i]);
}

static bool
worker_reads(unsigned slot)
{
	struct title *t;
	const struct ipc_msg *next =
	    M.slot[slot].proc.pid != 0 ? heard(slot) : NULL;
	if (next == NULL)
		return false;
	const struct ipc_msg m = *next;
	if (m.kind == IPC_PULL) {
		t = &W[slot].title[index_of(m.u.pull.key, m.u.pull.keylen)];
		/* one at a time, and the same id only for a longer via */
		ck_assert(t->pull == 0 || t->pull == m.u.pull.id);
		t->pull = m.u.pull.id;
	} else if (m.kind == IPC_DROP)
		on_drop(slot, m.u.pull.id);
	else if (m.kind == IPC_DENY)
		on_deny(slot, &m.u.deny);
	else if (m.kind == IPC_GRANT)
		on_grant(slot, &m);
	else if (m.kind == IPC_REFUSE && (t = of_request(slot, m.request)))
		t->request = 0;
	return true;
}

/* What happens. ----------------------------------------------------------- */

static void
player(unsigned slot, struct title *t, unsigned i)
{
	if (t->players)
		say_of(slot, IPC_UNWANT, i);
	else
		say_of(slot, IPC_WANT, i);
	t->players = t->asked = !t->players;
}

static void
upstream(unsigned slot, struct title *t, unsigned i)
{
	if (t->pull == 0 || t->request != 0)
		return;
	if (t->live) {
		say_end(slot, &t->grant);
		t->live = false;
	} else if (dice(3) > 0)
		say_publish(slot, i);
	else {
		say_pulled(slot, t->pull, PULL_REFUSED);
		t->pull = 0;
	}
}

static void
death(unsigned slot)
{
	struct ipc_msg *out = W[slot].out;
	if (M.slot[slot].proc.pid == 0) {
		start(slot);
		ready(slot);
		return;
	}
	die(slot);
	memset(&W[slot], 0, sizeof W[slot]);
	W[slot].out = out;
	/* as often at once as later */
	if (dice(2) == 0) {
		start(slot);
		ready(slot);
	}
}

static void
step(void)
{
	unsigned slot = dice(FIX_SLOTS), i = dice(NAMES), what = dice(100);
	struct title *t = &W[slot].title[i];
	bool up = M.slot[slot].proc.pid != 0;
	if (what < 35)
		(void)master_reads(slot);
	else if (what < 70)
		(void)worker_reads(slot);
	else if (what < 82 && up)
		player(slot, t, i);
	else if (what < 94 && up)
		upstream(slot, t, i);
	else if (what < 97)
		pass(dice(2) * (LINGER_MS + 1));
	else if (what < 98)
		death(slot);
	streams_tick(&M, clock_now().ns);
}

static void
rest(void)
{
	for (bool any = true; any;) {
		any = false;
		for (unsigned i = 0; i < FIX_SLOTS; i++) {
			any |= master_reads(i);
			any |= worker_reads(i);
		}
	}
}

static void
judge(void)
{
	unsigned wanted_names = 0;
	for (unsigned i = 0; i < NAMES; i++) {
		unsigned wanted = 0, pulled_by = 0;
		for (unsigned k = 0; k < FIX_SLOTS; k++) {
			ck_assert(W[k].title[i].players == W[k].title[i].asked);
			wanted += W[k].title[i].players;
			pulled_by += W[k].title[i].pull != 0;
		}
		ck_assert_uint_eq(pulled_by, wanted > 0);
		wanted_names += wanted > 0;
	}
	ck_assert_uint_eq(pulls_count(M.pulls), wanted_names);
}

static void
play_round(uint64_t with)
{
	seed = with;
	begin();
	for (unsigned i = 0; i < FIX_SLOTS; i++) {
		memset(&W[i], 0, sizeof W[i]);
		W[i].out = malloc(OUT_MAX * sizeof *W[i].out);
		ck_assert_ptr_nonnull(W[i].out);
	}
	for (unsigned n = 0; n < STEPS; n++)
		step();
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		if (M.slot[i].proc.pid == 0) {
			start(i);
			ready(i);
		}
	rest();
	pass(LINGER_MS + 1);
	rest();
	judge();
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		free(W[i].out);
	end();
}

START_TEST(at_rest_each_wanted_name_is_pulled_once_and_no_other)
{
	play_round((uint64_t)_i + 1);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("pulls_world");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(
	    t, at_rest_each_wanted_name_is_pulled_once_and_no_other, 0, ROUNDS);
	return fix_main(t, "pulls_world");
}
