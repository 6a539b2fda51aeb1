/*
 * check_pulls - one case per promise of master/pulls.h and master/via.h, and of
 * master/streams.h where a pull publishes.
 */
#include "config.h"

#include <errno.h>

#include "master/control.h"
#include "master/pulls_ctl.h"
#include "t/unit/pulls_fixture.h"

#define A "0123456789abcdef"
#define B "00000000000000bb"
#define C "00000000000000cc"

static bool
is_key(const char *key, uint32_t keylen, const char *name)
{
	char want_key[IPC_KEY_MAX];
	uint32_t n = key_of(want_key, name);
	return n == keylen && memcmp(want_key, key, n) == 0;
}

static const char *
via_of(const struct ipc_msg *m)
{
	static char text[IPC_VIA_MAX + 1];
	memcpy(text, m->u.pull.via, m->u.pull.vialen);
	text[m->u.pull.vialen] = '\0';
	return text;
}

/* via --------------------------------------------------------------------- */

START_TEST(via_takes_ids_of_16_digits_with_commas_between)
{
	static const char *const wrong[] = { "0", A ",", "," A, A B, A ";" B,
		A "," B "0", "g123456789abcdef", A ",\0 0000000000000" };
	uint64_t id[VIA_MAX];
	char seventeen[17 * 17];
	ck_assert_int_eq(via_parse("", 0, id), 0);
	ck_assert_int_eq(via_parse(A "," B, 33, id), 2);
	ck_assert_uint_eq(id[0], 0x0123456789abcdef);
	ck_assert_uint_eq(id[1], 0xbb);
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_int_eq(
		    via_parse(wrong[i], strlen(wrong[i]), id), -EPROTO);
	for (unsigned i = 0; i < 17; i++)
		memcpy(seventeen + 17 * i, A ",", 17);
	ck_assert_int_eq(via_parse(seventeen, 16 * 17 - 1, id), 16);
	ck_assert_int_eq(via_parse(seventeen, 17 * 17 - 1, id), -EPROTO);
}
END_TEST

START_TEST(via_is_the_union_of_what_slots_say_and_goes_with_them)
{
	struct via v = { 0 };
	const uint64_t a[] = { 1, 2 }, b[] = { 2, 3 };
	char text[IPC_VIA_MAX];
	ck_assert(!via_add(&v, 0, NULL, 0));
	ck_assert(via_add(&v, 0, a, 2));
	ck_assert(!via_add(&v, 0, a, 2));
	ck_assert(via_add(&v, 63, b, 2));
	ck_assert_uint_eq(v.n, 3);
	via_leave(&v, 0);
	ck_assert_uint_eq(v.n, 2);
	size_t n = via_print(&v, text);
	ck_assert_uint_eq(n, 33);
	ck_assert_int_eq(
	    memcmp(text, "0000000000000002,0000000000000003", n), 0);
	via_leave(&v, 63);
	ck_assert_uint_eq(v.n, 0);
	ck_assert_uint_eq(via_print(&v, text), 0);
}
END_TEST

START_TEST(via_leaves_out_what_is_too_much)
{
	struct via v = { 0 };
	uint64_t id[VIA_MAX], more[] = { 99, 3 };
	char text[IPC_VIA_MAX];
	for (unsigned i = 0; i < VIA_MAX; i++)
		id[i] = i + 1;
	ck_assert(via_add(&v, 0, id, VIA_MAX));
	ck_assert(!via_add(&v, 1, more, 2));
	ck_assert_uint_eq(v.n, VIA_MAX);
	ck_assert_uint_eq(v.slots[2], 3);
	ck_assert_uint_eq(via_print(&v, text), VIA_MAX * 17 - 1);
}
END_TEST

/* Wants ------------------------------------------------------------------- */

START_TEST(the_first_want_makes_one_worker_pull)
{
	want(1, "a");
	unsigned by = spoken_to();
	const struct ipc_msg *m = hear(by, IPC_PULL);
	ck_assert(is_key(m->u.pull.key, m->u.pull.keylen, "a"));
	ck_assert_uint_eq(m->u.pull.urllen, 24);
	ck_assert_int_eq(
	    memcmp(m->u.pull.url, "rtmp://edge.example/live", 24), 0);
	ck_assert_uint_eq(m->u.pull.querylen, 3);
	ck_assert_int_eq(memcmp(m->u.pull.query, "a=b", 3), 0);
	ck_assert_uint_eq(m->u.pull.vialen, 0);
	ck_assert_uint_ne(m->u.pull.id, 0);
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		want(i, "a");
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
}
END_TEST

START_TEST(what_nobody_wants_is_dropped_after_its_linger_time)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	want(1, "a");
	unwant(0, "a");
	pass(10 * LINGER_MS);
	silence();
	unwant(1, "a");
	unwant(1, "a"); /* said twice: once is enough */
	pass(LINGER_MS / 2);
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
	pass(LINGER_MS + 1);
	ck_assert_uint_eq(hear(by, IPC_DROP)->u.pull.id, id);
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
	uint64_t next;
	ck_assert_uint_eq(pull_of(0, "a", &next), by);
	ck_assert_uint_ne(next, id);
}
END_TEST

START_TEST(who_comes_back_in_time_finds_it_pulled)
{
	uint64_t id;
	(void)pull_of(0, "a", &id);
	unwant(0, "a");
	want(3, "a");
	pass(LINGER_MS * 2);
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
	unwant(3, "a");
	uint64_t due = pulls_tick(&M, clock_now().ns);
	ck_assert_uint_ne(due, UINT64_MAX);
	pulls_tick(&M, due);
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
	ck_assert_uint_eq(pulls_tick(&M, due), UINT64_MAX);
}
END_TEST

START_TEST(without_linger_time_it_ends_at_once)
{
	uint64_t id;
	conf_vhost(M.conf, 0)->linger_ms = 0;
	unsigned by = pull_of(0, "a", &id);
	unwant(0, "a");
	ck_assert_uint_eq(hear(by, IPC_DROP)->u.pull.id, id);
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
}
END_TEST

/* Names n0, n1, ... of one instance are wanted; who was told of how many. */
static void
want_many(unsigned slot, unsigned n, unsigned told[FIX_SLOTS])
{
	char name[32];
	memset(told, 0, FIX_SLOTS * sizeof *told);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof name, "n%u", i);
		want(slot, name);
	}
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		while (heard(i) != NULL)
			told[i]++;
}

START_TEST(names_of_one_instance_go_to_two_workers_at_most)
{
	unsigned told[FIX_SLOTS], used = 0;
	begin_again(1000);
	want_many(2, 1000, told);
	for (unsigned i = 0; i < FIX_SLOTS; i++) {
		used += told[i] > 0;
		ck_assert(told[i] == 0 || (told[i] > 350 && told[i] < 650));
	}
	ck_assert_uint_eq(used, 2);
}
END_TEST

START_TEST(instances_are_spread_over_all_workers)
{
	struct ipc_msg m = { .kind = IPC_WANT };
	for (unsigned i = 0; i < WAITING; i++) {
		char inst[16];
		int n = snprintf(inst, sizeof inst, "i%u", i);
		m.u.pull.keylen = (uint32_t)directory_make_key(m.u.pull.key,
		    "_defaultVHost_", 14, "live", 4, inst, (size_t)n, "s", 1);
		ck_assert_int_eq(pulls_message(&M, 0, &m), 0);
	}
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		ck_assert_uint_gt(inbox[i].told[IPC_PULL], 0);
}
END_TEST

/* Limits ------------------------------------------------------------------ */

START_TEST(beyond_max_waiting_names_players_are_told)
{
	unsigned told[FIX_SLOTS];
	want_many(0, WAITING, told);
	want(3, "one more");
	const struct ipc_msg *m = hear(3, IPC_DENY);
	ck_assert(is_key(m->u.deny.key, m->u.deny.keylen, "one more"));
	ck_assert_uint_eq(m->u.deny.reason, REASON_WAITING_FULL);
	ck_assert_str_eq(m->u.deny.text, reason_text(REASON_WAITING_FULL));
	/* what is there already is not refused to others */
	want(1, "n5");
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), WAITING);
}
END_TEST

START_TEST(a_name_that_lingers_makes_room)
{
	unsigned told[FIX_SLOTS];
	want_many(0, WAITING, told);
	unwant(0, "n1");
	unwant(0, "n0");
	want(0, "new");
	unsigned dropped = 0, asked = 0;
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		for (const struct ipc_msg *m; (m = heard(i)) != NULL;) {
			dropped += m->kind == IPC_DROP;
			asked += m->kind == IPC_PULL &&
				 is_key(m->u.pull.key, m->u.pull.keylen, "new");
		}
	ck_assert_uint_eq(dropped, 1);
	ck_assert_uint_eq(asked, 1);
	/* the one that has lingered longest */
	want(0, "n0");
	silence();
}
END_TEST

START_TEST(what_is_live_does_not_count_as_waiting)
{
	unsigned told[FIX_SLOTS];
	uint64_t id;
	begin_again(1);
	unsigned by = pull_of(0, "live", &id);
	want(0, "b");
	(void)hear(0, IPC_DENY);
	ck_assert_int_eq(publish(by, "live", id, 1), 0);
	(void)hear(by, IPC_GRANT);
	ck_assert_uint_eq(pulls_waiting(M.pulls), 0);
	want_many(0, 1, told);
	ck_assert_uint_eq(pulls_count(M.pulls), 2);
	want(0, "c");
	(void)hear(0, IPC_DENY);
}
END_TEST

START_TEST(without_waiting_names_nothing_is_pulled)
{
	begin_again(0);
	want(0, "a");
	ck_assert_uint_eq(
	    hear(0, IPC_DENY)->u.deny.reason, REASON_WAITING_FULL);
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
}
END_TEST

/* via of wants ------------------------------------------------------------ */

START_TEST(a_longer_via_is_told_with_the_same_id)
{
	uint64_t id;
	ck_assert_int_eq(say_want(0, "a", A), 0);
	unsigned by = spoken_to();
	const struct ipc_msg *m = hear(by, IPC_PULL);
	id = m->u.pull.id;
	ck_assert_str_eq(via_of(m), A);
	ck_assert_int_eq(say_want(1, "a", A), 0);
	silence();
	ck_assert_int_eq(say_want(1, "a", B "," A), 0);
	m = hear(by, IPC_PULL);
	ck_assert_uint_eq(m->u.pull.id, id);
	ck_assert_str_eq(via_of(m), A "," B);
	/* of other players of the slot it is still true */
	ck_assert_int_eq(say_want(1, "a", B), 0);
	want(1, "a");
	silence();
	/* it shrinks in silence, and the next worker is told what is so then */
	unwant(1, "a");
	ck_assert_int_eq(say_want(1, "a", C), 0);
	m = hear(by, IPC_PULL);
	ck_assert_str_eq(via_of(m), A "," C);
	unwant(0, "a");
	want(2, "a");
	want(3, "a");
	silence();
	die(by);
	m = hear(spoken_to(), IPC_PULL);
	ck_assert_uint_eq(m->u.pull.id, id);
	ck_assert_str_eq(via_of(m), by == 1 ? "" : C);
}
END_TEST

START_TEST(more_hops_are_told_with_the_same_id)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	struct ipc_msg m = { .kind = IPC_WANT };
	m.u.pull.keylen = key_of(m.u.pull.key, "a");
	m.u.pull.hops = 5;
	ck_assert_int_eq(pulls_message(&M, 1, &m), 0);
	m.u.pull.hops = 2;
	ck_assert_int_eq(pulls_message(&M, 2, &m), 0);
	const struct ipc_msg *again = hear(by, IPC_PULL);
	ck_assert_uint_eq(again->u.pull.id, id);
	ck_assert_uint_eq(again->u.pull.hops, 5);
	silence();
}
END_TEST

START_TEST(a_via_that_grows_before_it_was_told_is_told_once)
{
	/* both workers of this instance are busy */
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		M.slot[i].proc.qlen = PROC_QUEUE;
	ck_assert_int_eq(say_want(0, "a", A), 0);
	ck_assert_int_eq(say_want(1, "a", C), 0);
	silence();
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		drain(i);
	ck_assert_str_eq(via_of(hear(spoken_to(), IPC_PULL)), A "," C);
	silence();
}
END_TEST

/* Refusals ---------------------------------------------------------------- */

START_TEST(a_refusal_is_told_to_all_who_want_and_ends_the_pull)
{
	uint64_t id, next;
	unsigned by = pull_of(0, "a", &id);
	want(2, "a");
	ck_assert_int_eq(pulled(by, id, PULL_WAITING, 0, ""), 0);
	silence();
	ck_assert_int_eq(
	    pulled(by, id, PULL_REFUSED, REASON_LOOP, "it comes back"), 0);
	for (unsigned i = 0; i <= 2; i += 2) {
		const struct ipc_msg *m = hear(i, IPC_DENY);
		ck_assert(is_key(m->u.deny.key, m->u.deny.keylen, "a"));
		ck_assert_uint_eq(m->u.deny.reason, REASON_LOOP);
		ck_assert_str_eq(m->u.deny.text, "it comes back");
	}
	ck_assert_uint_eq(hear(by, IPC_DROP)->u.pull.id, id);
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
	/* what it says of it from now on comes too late */
	ck_assert_int_eq(pulled(by, id, PULL_LIVE, 0, ""), 0);
	ck_assert_int_eq(publish(by, "a", id, 5), 0);
	ck_assert_uint_eq(
	    hear(by, IPC_REFUSE)->u.refuse.reason, REASON_UPSTREAM_IDLE);
	/* and who wants it anew gets a pull of its own */
	ck_assert_uint_eq(pull_of(2, "a", &next), by);
	ck_assert_uint_ne(next, id);
}
END_TEST

START_TEST(a_want_that_crosses_a_refusal_does_not_last)
{
	uint64_t id, next;
	unsigned by = pull_of(0, "a", &id);
	ck_assert_int_eq(pulled(by, id, PULL_REFUSED, REASON_LOOP, ""), 0);
	/* sent before it has read DENY, for another player */
	unwant(0, "a");
	want(0, "a");
	(void)hear(0, IPC_DENY);
	(void)hear(by, IPC_DROP);
	next = hear(by, IPC_PULL)->u.pull.id;
	unwant(0, "a"); /* the answer to DENY */
	pass(LINGER_MS + 1);
	ck_assert_uint_eq(hear(by, IPC_DROP)->u.pull.id, next);
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
}
END_TEST

START_TEST(a_longer_via_that_crosses_a_refusal_does_not_last)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	/* told to its worker, which has given up already */
	ck_assert_int_eq(say_want(1, "a", B), 0);
	ck_assert_int_eq(pulled(by, id, PULL_REFUSED, REASON_LOOP, ""), 0);
	uint64_t last = 0;
	for (const struct ipc_msg *m; (m = heard(by)) != NULL;)
		if (m->kind != IPC_DENY) {
			ck_assert_uint_eq(m->u.pull.id, id);
			last = m->kind;
		}
	ck_assert_uint_eq(last, IPC_DROP);
}
END_TEST

START_TEST(a_refused_name_that_only_lingers_is_told_to_nobody)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	unwant(0, "a");
	ck_assert_int_eq(pulled(by, id, PULL_REFUSED, REASON_LOOP, ""), 0);
	(void)hear(by, IPC_DROP);
	silence();
	pass(LINGER_MS * 2);
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
}
END_TEST

/* Workers that lie -------------------------------------------------------- */

START_TEST(nothing_is_trusted)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id), other = (by + 1) % FIX_SLOTS;
	struct ipc_msg m = { .kind = IPC_WANT };
	memcpy(m.u.pull.key, "a\0b\0c", 5);
	m.u.pull.keylen = 5;
	ck_assert_int_eq(pulls_message(&M, 0, &m), -EPROTO);
	ck_assert_int_eq(say_want(0, "b", "0123"), -EPROTO);
	m.kind = IPC_HOP;
	m.u.hop.hop[0] = '\0';
	ck_assert_int_eq(pulls_message(&M, 0, &m), -EPROTO);
	m.kind = IPC_REBALANCE;
	ck_assert_int_eq(pulls_message(&M, 0, &m), -EPROTO);
	ck_assert_int_eq(pulled(by, id, PULL_REFUSED + 1, 0, ""), -EPROTO);
	ck_assert_int_eq(pulled(by, id, 0, REASON_COUNT, ""), -EPROTO);
	ck_assert_int_eq(pulled(by, 0, 0, 0, ""), -EPROTO);
	ck_assert_int_eq(pulled(other, id, 0, 0, ""), -EPROTO);
	/* an id that was never given */
	ck_assert_int_eq(
	    pulled(by, id + (UINT64_C(1) << 24), 0, 0, ""), -EPROTO);
	ck_assert_int_eq(publish(other, "a", id, 1), -EPROTO);
	ck_assert_int_eq(publish(by, "b", id, 1), -EPROTO);
	ck_assert_int_eq(publish(by, "a", UINT64_MAX, 1), -EPROTO);
	ck_assert_uint_eq(streams_live(M.streams), 0);
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
}
END_TEST

START_TEST(a_pull_that_was_not_told_yet_is_not_its_workers)
{
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		M.slot[i].proc.qlen = PROC_QUEUE;
	want(0, "a");
	uint32_t place = 0;
	const struct pull *p = pulls_next(M.pulls, &place);
	ck_assert_int_eq(
	    pulled((unsigned)p->slot, p->id, PULL_LIVE, 0, ""), -EPROTO);
	/* nor need it be dropped */
	unwant(0, "a");
	pass(LINGER_MS + 1);
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		drain(i);
	silence();
}
END_TEST

START_TEST(a_worker_that_asks_and_never_reads_is_killed)
{
	unsigned n = 0;
	begin_again(0); /* everything is refused */
	M.slot[0].proc.qlen = PROC_QUEUE;
	while (M.slot[0].proc.why == PROC_ALIVE && n++ < 100000)
		want(0, "a");
	ck_assert_int_eq(M.slot[0].proc.why, PROC_QUEUE_FULL);
	die(0);
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
}
END_TEST

/* Deaths ------------------------------------------------------------------ */

START_TEST(a_death_moves_the_pulls_of_that_worker_only)
{
	unsigned told[FIX_SLOTS];
	begin_again(1000);
	want_many(0, 200, told);
	unsigned victim = 1;
	while (told[victim] == 0)
		victim++;
	for (unsigned i = 0; i < 200; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%u", i);
		want(3, name);
		want(2, name);
	}
	die(victim);
	unsigned moved = 0;
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		for (const struct ipc_msg *m; (m = heard(i)) != NULL; moved++) {
			ck_assert_uint_ne(i, victim);
			ck_assert_uint_eq(m->kind, IPC_PULL);
		}
	ck_assert_uint_eq(moved, told[victim]);
	ck_assert_uint_eq(pulls_count(M.pulls), 200);
	/* it comes back: nothing moves */
	start(victim);
	ready(victim);
	silence();
}
END_TEST

START_TEST(what_only_the_dead_worker_wanted_goes_with_it)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id), other = (by + 1) % FIX_SLOTS;
	if (other == 0)
		other = (other + 1) % FIX_SLOTS;
	if (by == 0) {
		die(0);
		silence();
		ck_assert_uint_eq(pulls_count(M.pulls), 0);
		return;
	}
	/* another pulls it: it lingers, as when its player had left */
	die(0);
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
	pass(LINGER_MS + 1);
	ck_assert_uint_eq(hear(by, IPC_DROP)->u.pull.id, id);
	/* and one that lingers already goes with who pulls it */
	by = pull_of(other, "a", &id);
	unwant(other, "a");
	die(by);
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
}
END_TEST

START_TEST(when_no_worker_is_up_the_next_one_pulls)
{
	uint64_t id;
	(void)pull_of(0, "a", &id);
	for (unsigned i = 1; i < FIX_SLOTS; i++)
		die(i);
	while (heard(0) != NULL)
		;
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
	/* a worker that has not said READY may want, and may not pull */
	die(0);
	start(2);
	want(2, "a");
	want(2, "b");
	unwant(2, "b");
	silence();
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
	start(0);
	ready(0);
	const struct ipc_msg *m = hear(0, IPC_PULL);
	ck_assert(is_key(m->u.pull.key, m->u.pull.keylen, "a"));
	ready(2);
	silence();
}
END_TEST

START_TEST(what_a_dead_worker_was_to_be_told_is_forgotten)
{
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		M.slot[i].proc.qlen = PROC_QUEUE;
	want(0, "a");
	uint32_t place = 0;
	const struct pull *p = pulls_next(M.pulls, &place);
	unsigned first = (unsigned)p->slot, wants = (first + 1) % FIX_SLOTS;
	want(wants, "a");
	die(first);
	ck_assert_uint_ne((unsigned)p->slot, first);
	start(first);
	ready(first);
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		drain(i);
	ck_assert_uint_eq(hear(spoken_to(), IPC_PULL)->u.pull.id, p->id);
	ck_assert_ptr_null(heard(first));
}
END_TEST

START_TEST(a_killed_worker_gets_no_new_pulls)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	proc_kill(&M.slot[by].proc, PROC_STUCK);
	want((by + 1) % FIX_SLOTS, "a");
	for (unsigned i = 0; i < 32; i++) {
		char name[16];
		snprintf(name, sizeof name, "b%u", i);
		want((by + 1) % FIX_SLOTS, name);
	}
	ck_assert_ptr_null(heard(by));
	die(by);
	for (uint32_t place = 0;;) {
		const struct pull *p = pulls_next(M.pulls, &place);
		if (p == NULL)
			break;
		ck_assert(p->slot >= 0 && p->slot != (int)by && p->told);
	}
}
END_TEST

START_TEST(a_server_that_stops_gives_no_pull_away)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	want((by + 1) % FIX_SLOTS, "a");
	M.stopping = true;
	want(2, "b");
	die(by);
	silence();
}
END_TEST

START_TEST(twenty_thousand_names_reach_a_slow_worker)
{
	unsigned told[FIX_SLOTS], before[FIX_SLOTS];
	uint64_t sum = 0;
	begin_again(20000);
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		inbox[i].full = true;
	want_many(3, 20000, told);
	for (unsigned i = 0; i < FIX_SLOTS; i++) {
		ck_assert_int_eq(M.slot[i].proc.why, PROC_ALIVE);
		ck_assert_uint_le(M.slot[i].proc.qlen, PROC_QUEUE / 2);
	}
	for (unsigned round = 0; round < 20000; round++)
		for (unsigned i = 0; i < FIX_SLOTS; i++)
			drain(i);
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		sum += before[i] = (unsigned)inbox[i].told[IPC_PULL];
	ck_assert_uint_eq(sum, 20000);
	/* one of the two dies, if it is not the one that wants */
	unsigned victim = before[0] ? 0 : before[1] ? 1 : 2;
	die(victim);
	for (unsigned round = 0; round < 20000; round++)
		for (unsigned i = 0; i < FIX_SLOTS; i++)
			if (i != victim)
				drain(i);
	sum = 0;
	for (unsigned i = 0; i < FIX_SLOTS; i++) {
		ck_assert_int_eq(M.slot[i].proc.why, PROC_ALIVE);
		sum += inbox[i].told[IPC_PULL];
	}
	ck_assert_uint_eq(sum, 20000 + before[victim]);
	die(3);
	ck_assert_uint_eq(
	    pulls_count(M.pulls) + inbox[3].told[IPC_PULL], 20000);
	pass(LINGER_MS + 1);
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
}
END_TEST

/* Hops -------------------------------------------------------------------- */

static int
say_hop(unsigned slot, const char *hop, bool down, const char *text)
{
	struct ipc_msg m = { .kind = IPC_HOP };
	m.u.hop.down = down;
	snprintf(m.u.hop.hop, sizeof m.u.hop.hop, "%s", hop);
	snprintf(m.u.hop.text, sizeof m.u.hop.text, "%s", text);
	return pulls_message(&M, slot, &m);
}

START_TEST(a_hop_that_is_down_is_told_to_the_others_and_to_new_workers)
{
	ck_assert_int_eq(say_hop(1, "o:1935", true, "no answer"), 0);
	ck_assert_ptr_null(heard(1));
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		if (i != 1) {
			const struct ipc_msg *m = hear(i, IPC_HOP);
			ck_assert_str_eq(m->u.hop.hop, "o:1935");
			ck_assert_str_eq(m->u.hop.text, "no answer");
			ck_assert_uint_eq(m->u.hop.down, 1);
		}
	ck_assert_int_eq(say_hop(2, "o:1935", true, "refused"), 0);
	silence();
	die(3);
	start(3);
	ready(3);
	ck_assert_str_eq(hear(3, IPC_HOP)->u.hop.text, "refused");
	silence();
	ck_assert_int_eq(say_hop(3, "o:1935", false, ""), 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(hear(i, IPC_HOP)->u.hop.down, 0);
	die(0);
	start(0);
	ready(0);
	silence();
}
END_TEST

START_TEST(only_the_last_state_of_a_hop_is_told)
{
	M.slot[0].proc.qlen = PROC_QUEUE;
	for (unsigned i = 0; i < 1001; i++)
		ck_assert_int_eq(say_hop(1, "o:1935", i % 2 == 0, ""), 0);
	ck_assert_ptr_null(heard(0));
	drain(0);
	ck_assert_uint_eq(hear(0, IPC_HOP)->u.hop.down, 1);
	ck_assert_ptr_null(heard(0));
}
END_TEST

START_TEST(hops_are_bounded_and_those_that_are_down_are_kept)
{
	char hop[32];
	for (unsigned i = 0; i < 300; i++) {
		snprintf(hop, sizeof hop, "up%u:1935", i);
		ck_assert_int_eq(say_hop(0, hop, false, ""), 0);
	}
	for (unsigned i = 0; i < 200; i++) {
		snprintf(hop, sizeof hop, "down%u:1935", i);
		ck_assert_int_eq(say_hop(0, hop, true, ""), 0);
	}
	for (unsigned i = 0; i < 300; i++) {
		snprintf(hop, sizeof hop, "again%u:1935", i);
		ck_assert_int_eq(say_hop(0, hop, false, ""), 0);
	}
	die(1);
	start(1);
	ready(1);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_uint_eq(hear(1, IPC_HOP)->u.hop.down, 1);
	ck_assert_ptr_null(heard(1));
}
END_TEST

START_TEST(rebalance_is_told_to_every_worker)
{
	die(2);
	pulls_rebalance(&M);
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		if (i != 2)
			(void)hear(i, IPC_REBALANCE);
	silence();
}
END_TEST

/* Publishing what is pulled ----------------------------------------------- */

START_TEST(a_pull_publishes_without_keys_and_ends_with_a_goodbye)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	ck_assert_int_eq(publish(by, "a", id, 9), 0);
	const struct ipc_msg *g = hear(by, IPC_GRANT);
	ck_assert_uint_eq(g->request, 9);
	ck_assert_uint_eq(pulls_waiting(M.pulls), 0);
	unpublish(by, g, REASON_UNPUBLISHED);
	ck_assert_uint_eq(pulls_waiting(M.pulls), 1);
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
	/* the name is asked for further */
	ck_assert_int_eq(publish(by, "a", id, 10), 0);
	ck_assert_uint_eq(hear(by, IPC_GRANT)->request, 10);
	silence();
}
END_TEST

START_TEST(a_pull_takes_no_name_and_nobody_takes_its_name)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	struct ipc_msg grant, theirs;
	ck_assert_int_eq(publish(3, "a", 0, 1), 0);
	grant = *hear(3, IPC_GRANT);
	/* who was to fetch it is told to stop, what it says is late */
	ck_assert_uint_eq(hear(by, IPC_DROP)->u.pull.id, id);
	ck_assert_int_eq(publish(by, "a", id, 2), 0);
	ck_assert_uint_eq(
	    hear(by, IPC_REFUSE)->u.refuse.reason, REASON_UPSTREAM_IDLE);
	/* nobody else is, for another worker's players either */
	want(1, "a");
	silence();
	unpublish(3, &grant, REASON_UNPUBLISHED);
	pass(PULLS_REST_MS - 100);
	silence();
	pass(PULLS_REST_MS + 100);
	(void)hear(spoken_to(), IPC_PULL);
	by = pull_of(0, "b", &id);
	ck_assert_int_eq(publish(by, "b", id, 3), 0);
	theirs = *hear(by, IPC_GRANT);
	ck_assert_int_eq(publish(by, "b", id, 4), 0);
	ck_assert_uint_eq(
	    hear(by, IPC_REFUSE)->u.refuse.reason, REASON_NAME_TAKEN);
	/* the next server has let a client publish it: it gets the name */
	ck_assert_int_eq(publish(3, "b", 0, 5), 0);
	ck_assert_uint_eq(hear(by, IPC_DROP)->u.pull.id, id);
	silence();
	unpublish(by, &theirs, REASON_UPSTREAM_IDLE);
	(void)hear(3, IPC_GRANT);
	silence();
}
END_TEST

/* The worker of a dropped pull has not ended it, and another pulls anew. */
static unsigned
pull_behind_a_dropped_one(
    uint64_t *id, unsigned *old, struct ipc_msg *old_grant)
{
	uint64_t first;
	unsigned by = pull_of(3, "a", &first), now;
	ck_assert_int_eq(publish(by, "a", first, 1), 0);
	*old_grant = *hear(by, IPC_GRANT);
	*old = by;
	unwant(3, "a");
	pass(LINGER_MS + 1);
	(void)hear(by, IPC_DROP);
	/* it would be chosen again, so it is not to be had for a moment */
	M.slot[by].proc.ready = false;
	now = pull_of(by == 3 ? 2 : 3, "a", id);
	M.slot[by].proc.ready = true;
	ck_assert_uint_ne(now, by);
	ck_assert_int_eq(publish(now, "a", *id, 2), 0);
	silence();
	return now;
}

START_TEST(a_pull_waits_for_the_end_of_an_older_one)
{
	uint64_t id;
	unsigned old;
	struct ipc_msg grant;
	unsigned by = pull_behind_a_dropped_one(&id, &old, &grant);
	unpublish(old, &grant, REASON_UPSTREAM_IDLE);
	ck_assert_uint_eq(hear(by, IPC_GRANT)->request, 2);
	silence();
	ck_assert_uint_eq(streams_live(M.streams), 1);
	ck_assert_uint_eq(pulls_waiting(M.pulls), 0);
}
END_TEST

START_TEST(or_for_the_death_of_its_worker)
{
	uint64_t id;
	unsigned old;
	struct ipc_msg grant;
	unsigned by = pull_behind_a_dropped_one(&id, &old, &grant);
	die(old);
	ck_assert_uint_eq(hear(by, IPC_GRANT)->request, 2);
	ck_assert_uint_eq(streams_live(M.streams), 1);
}
END_TEST

START_TEST(a_pull_that_was_dropped_while_it_waited_is_not_granted)
{
	uint64_t id;
	unsigned old;
	struct ipc_msg grant;
	unsigned by = pull_behind_a_dropped_one(&id, &old, &grant);
	unwant(old == 3 ? 2 : 3, "a");
	pass(LINGER_MS + 1);
	(void)hear(by, IPC_DROP);
	unpublish(old, &grant, REASON_UPSTREAM_IDLE);
	ck_assert_uint_eq(
	    hear(by, IPC_REFUSE)->u.refuse.reason, REASON_UPSTREAM_IDLE);
	ck_assert_uint_eq(streams_live(M.streams), 0);
}
END_TEST

START_TEST(a_pull_that_waited_too_long_is_told_that_the_name_is_taken)
{
	uint64_t id;
	unsigned old;
	struct ipc_msg grant;
	unsigned by = pull_behind_a_dropped_one(&id, &old, &grant);
	streams_tick(&M, mono_add_ms(clock_now(), 60000).ns);
	ck_assert_uint_eq(
	    hear(by, IPC_REFUSE)->u.refuse.reason, REASON_NAME_TAKEN);
}
END_TEST

START_TEST(what_lingers_and_ends_is_dropped_at_once)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	unwant(0, "a");
	ck_assert_int_eq(publish(by, "a", id, 1), 0);
	const struct ipc_msg g = *hear(by, IPC_GRANT);
	ck_assert_uint_eq(pulls_count(M.pulls), 1);
	unpublish(by, &g, REASON_UNPUBLISHED);
	ck_assert_uint_eq(hear(by, IPC_DROP)->u.pull.id, id);
	ck_assert_uint_eq(pulls_count(M.pulls), 0);
	ck_assert_uint_eq(pulls_waiting(M.pulls), 0);
}
END_TEST

START_TEST(viewers_of_a_pull_whose_worker_died_are_kept_for_the_hold_time)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	want((by + 1) % FIX_SLOTS, "a");
	ck_assert_int_eq(publish(by, "a", id, 1), 0);
	uint32_t b = hear(by, IPC_GRANT)->u.stream.block;
	uint64_t before = clock_now().ns;
	die(by);
	uint64_t until = M.arena.control->block[b].grace_until_ns;
	ck_assert_uint_ge(until, before + HOLD_MS * NS_PER_MS);
	/* the next worker has it at once, and goes on */
	unsigned next = spoken_to();
	ck_assert_uint_eq(hear(next, IPC_PULL)->u.pull.id, id);
	ck_assert_int_eq(publish(next, "a", id, 2), 0);
	(void)hear(next, IPC_GRANT);
	ck_assert_uint_eq(pulls_waiting(M.pulls), 0);
}
END_TEST

START_TEST(a_banned_name_is_not_pulled_into_a_ring)
{
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	json_t *req = json_pack("{s:s, s:s, s:s, s:i}", "command",
	    "kick_stream", "app", "live", "stream", "a", "for_s", 60);
	json_t *answer = kick_stream(&M, req);
	ck_assert(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	json_decref(req);
	ck_assert_int_eq(publish(by, "a", id, 1), 0);
	ck_assert_uint_eq(
	    hear(by, IPC_REFUSE)->u.refuse.reason, REASON_NAME_BANNED);
}
END_TEST

/* For operators ----------------------------------------------------------- */

static const json_t *
one_row(json_t **answer)
{
	*answer = pulls_ctl_list(&M, NULL);
	ck_assert(json_is_true(json_object_get(*answer, "ok")));
	ck_assert(json_is_null(json_object_get(*answer, "next")));
	const json_t *list = json_object_get(*answer, "pulls");
	ck_assert_uint_eq(json_array_size(list), 1);
	return json_array_get(list, 0);
}

static const char *
string(const json_t *row, const char *member)
{
	const char *s = json_string_value(json_object_get(row, member));
	return s ? s : "(null)";
}

START_TEST(a_pull_is_listed_as_its_worker_said_last)
{
	json_t *answer;
	uint64_t id;
	unsigned by = pull_of(0, "a", &id);
	want(1, "a");
	const json_t *r = one_row(&answer);
	ck_assert_str_eq(string(r, "vhost"), "_defaultVHost_");
	ck_assert_str_eq(string(r, "app"), "live");
	ck_assert_str_eq(string(r, "instance"), "_definst_");
	ck_assert_str_eq(string(r, "stream"), "a");
	ck_assert_str_eq(string(r, "state"), "connecting");
	ck_assert_int_eq(json_integer_value(json_object_get(r, "worker")), by);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(r, "wanted_by")), 2);
	ck_assert(json_is_null(json_object_get(r, "route")));
	ck_assert(json_is_null(json_object_get(r, "delay_ms")));
	json_decref(answer);
	struct ipc_msg m = { .kind = IPC_PULLED };
	m.u.pulled = (struct ipc_pulled){ .id = id,
		.state = PULL_LIVE,
		.entry = 12,
		.retries = 3,
		.bytes = 4711,
		.media_ns = clock_now().ns - 1500 * NS_PER_MS,
		.hop = "o.example:1935",
		.addr = "192.0.2.1:1935",
		.error = "timed \x1b out" };
	ck_assert_int_eq(pulls_message(&M, by, &m), 0);
	r = one_row(&answer);
	ck_assert_str_eq(string(r, "state"), "live");
	ck_assert_str_eq(string(r, "route"), "o.example:1935");
	ck_assert_str_eq(string(r, "addr"), "192.0.2.1:1935");
	ck_assert_str_eq(string(r, "error"), "timed \x1b out");
	ck_assert_int_eq(json_integer_value(json_object_get(r, "entry")), 12);
	ck_assert_int_eq(json_integer_value(json_object_get(r, "retries")), 3);
	ck_assert_int_eq(json_integer_value(json_object_get(r, "bytes")), 4711);
	ck_assert_int_ge(
	    json_integer_value(json_object_get(r, "delay_ms")), 1500);
	json_decref(answer);
	/* what it said goes with it; what it fetched is not lost */
	die(by);
	r = one_row(&answer);
	ck_assert_str_eq(string(r, "state"), "connecting");
	ck_assert(json_is_null(json_object_get(r, "addr")));
	ck_assert_str_ne(string(r, "error"), "(null)");
	json_decref(answer);
}
END_TEST

START_TEST(a_list_of_any_length_is_given_in_packets_that_fit)
{
	unsigned told[FIX_SLOTS], packets = 0;
	json_t *seen = json_object();
	json_int_t after = 0;
	begin_again(2000);
	want_many(0, 2000, told);
	/* a hole, and one that needs much room: 6 bytes for each of its own */
	unwant(0, "n77");
	char name[200];
	memset(name, '\x01', sizeof name);
	name[sizeof name - 1] = '\0';
	pass(LINGER_MS + 1);
	want(0, name);
	for (bool more = true; more; packets++) {
		json_t *req = json_pack("{s:I}", "after", after);
		json_t *a = pulls_ctl_list(&M, req), *row;
		const json_t *next = json_object_get(a, "next");
		size_t i;
		ck_assert_uint_le(
		    json_dumpb(a, NULL, 0, JSON_COMPACT), CONTROL_ANSWER_MAX);
		json_array_foreach(json_object_get(a, "pulls"), i, row)
		{
			const char *s = string(row, "stream");
			ck_assert_ptr_null(json_object_get(seen, s));
			json_object_set_new(seen, s, json_true());
		}
		more = json_is_integer(next);
		ck_assert(!more || json_integer_value(next) > after);
		after = json_integer_value(next);
		json_decref(req);
		json_decref(a);
	}
	ck_assert_uint_gt(packets, 10);
	ck_assert_uint_eq(json_object_size(seen), 2000);
	json_decref(seen);
}
END_TEST

START_TEST(a_list_from_nowhere_is_refused_or_empty)
{
	static const char *const wrong[] = { "{\"after\":-1}",
		"{\"after\":\"0\"}", "{\"after\":4294967296}" };
	want(0, "a");
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		json_t *req = json_loads(wrong[i], 0, NULL);
		json_t *a = pulls_ctl_list(&M, req);
		ck_assert(json_is_false(json_object_get(a, "ok")));
		json_decref(a);
		json_decref(req);
	}
	json_t *req = json_loads("{\"after\":4294967295}", 0, NULL);
	json_t *a = pulls_ctl_list(&M, req);
	ck_assert_uint_eq(json_array_size(json_object_get(a, "pulls")), 0);
	json_decref(a);
	json_decref(req);
}
END_TEST

START_TEST(who_asks_for_first_routes_is_told_of_how_many)
{
	uint64_t id;
	(void)pull_of(0, "a", &id);
	json_t *a = pulls_ctl_rebalance(&M);
	ck_assert_int_eq(json_integer_value(json_object_get(a, "pulls")), 1);
	json_decref(a);
	for (unsigned i = 0; i < FIX_SLOTS; i++)
		(void)hear(i, IPC_REBALANCE);
}
END_TEST

START_TEST(a_stream_keeps_the_servers_that_it_came_through)
{
	struct ipc_msg m = { .kind = IPC_PUBLISH, .request = 1 };
	char key[IPC_KEY_MAX];
	uint32_t hops, len = key_of(key, "a");
	m.u.publish.keylen = key_of(m.u.publish.key, "a");
	m.u.publish.conn = 7;
	m.u.publish.hops = 2;
	put(m.u.publish.via, &m.u.publish.vialen, A "," B);
	m.u.publish.via[3] = 'x';
	ck_assert_int_eq(streams_message(&M, 0, &m), -EPROTO);
	m.u.publish.via[3] = '3';
	ck_assert_int_eq(streams_message(&M, 0, &m), 0);
	struct ipc_msg grant = *hear(0, IPC_GRANT);
	struct span via = streams_via(&M, key, len, &hops);
	ck_assert_uint_eq(hops, 2);
	ck_assert_uint_eq(via.len, 33);
	ck_assert_int_eq(memcmp(via.p, A "," B, 33), 0);
	unpublish(0, &grant, REASON_UNPUBLISHED);
	ck_assert_uint_eq(streams_via(&M, key, len, &hops).len, 0);
	/* the next one of that name has come through none */
	ck_assert_int_eq(publish(0, "a", 0, 2), 0);
	ck_assert_uint_eq(streams_via(&M, key, len, &hops).len, 0);
	ck_assert_uint_eq(hops, 0);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("pulls");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_stream_keeps_the_servers_that_it_came_through);
	tcase_add_test(t, via_takes_ids_of_16_digits_with_commas_between);
	tcase_add_test(
	    t, via_is_the_union_of_what_slots_say_and_goes_with_them);
	tcase_add_test(t, via_leaves_out_what_is_too_much);
	tcase_add_test(t, the_first_want_makes_one_worker_pull);
	tcase_add_test(t, what_nobody_wants_is_dropped_after_its_linger_time);
	tcase_add_test(t, who_comes_back_in_time_finds_it_pulled);
	tcase_add_test(t, without_linger_time_it_ends_at_once);
	tcase_add_test(t, names_of_one_instance_go_to_two_workers_at_most);
	tcase_add_test(t, instances_are_spread_over_all_workers);
	tcase_add_test(t, beyond_max_waiting_names_players_are_told);
	tcase_add_test(t, a_name_that_lingers_makes_room);
	tcase_add_test(t, what_is_live_does_not_count_as_waiting);
	tcase_add_test(t, without_waiting_names_nothing_is_pulled);
	tcase_add_test(t, a_longer_via_is_told_with_the_same_id);
	tcase_add_test(t, more_hops_are_told_with_the_same_id);
	tcase_add_test(t, a_via_that_grows_before_it_was_told_is_told_once);
	tcase_add_test(t, a_refusal_is_told_to_all_who_want_and_ends_the_pull);
	tcase_add_test(t, a_want_that_crosses_a_refusal_does_not_last);
	tcase_add_test(t, a_longer_via_that_crosses_a_refusal_does_not_last);
	tcase_add_test(t, a_refused_name_that_only_lingers_is_told_to_nobody);
	tcase_add_test(t, nothing_is_trusted);
	tcase_add_test(t, a_pull_that_was_not_told_yet_is_not_its_workers);
	tcase_add_test(t, a_worker_that_asks_and_never_reads_is_killed);
	tcase_add_test(t, a_death_moves_the_pulls_of_that_worker_only);
	tcase_add_test(t, what_only_the_dead_worker_wanted_goes_with_it);
	tcase_add_test(t, when_no_worker_is_up_the_next_one_pulls);
	tcase_add_test(t, what_a_dead_worker_was_to_be_told_is_forgotten);
	tcase_add_test(t, a_killed_worker_gets_no_new_pulls);
	tcase_add_test(t, a_server_that_stops_gives_no_pull_away);
	tcase_add_test(t, twenty_thousand_names_reach_a_slow_worker);
	tcase_add_test(
	    t, a_hop_that_is_down_is_told_to_the_others_and_to_new_workers);
	tcase_add_test(t, only_the_last_state_of_a_hop_is_told);
	tcase_add_test(t, hops_are_bounded_and_those_that_are_down_are_kept);
	tcase_add_test(t, rebalance_is_told_to_every_worker);
	tcase_add_test(
	    t, a_pull_publishes_without_keys_and_ends_with_a_goodbye);
	tcase_add_test(t, a_pull_takes_no_name_and_nobody_takes_its_name);
	tcase_add_test(t, a_pull_waits_for_the_end_of_an_older_one);
	tcase_add_test(t, or_for_the_death_of_its_worker);
	tcase_add_test(
	    t, a_pull_that_was_dropped_while_it_waited_is_not_granted);
	tcase_add_test(
	    t, a_pull_that_waited_too_long_is_told_that_the_name_is_taken);
	tcase_add_test(t, what_lingers_and_ends_is_dropped_at_once);
	tcase_add_test(
	    t, viewers_of_a_pull_whose_worker_died_are_kept_for_the_hold_time);
	tcase_add_test(t, a_banned_name_is_not_pulled_into_a_ring);
	tcase_add_test(t, a_pull_is_listed_as_its_worker_said_last);
	tcase_add_test(t, a_list_of_any_length_is_given_in_packets_that_fit);
	tcase_add_test(t, a_list_from_nowhere_is_refused_or_empty);
	tcase_add_test(t, who_asks_for_first_routes_is_told_of_how_many);
	return fix_main(t, "pulls");
}
