/*
 * check_targets - master/targets.h: which worker gets an order, what it is told,
 * and what becomes of the order when the worker, or the stream, ends.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "master/master.h"
#include "master/targets.h"

enum { SLOTS = 3, SAID = 4096 };

static struct master M;
static struct {
	unsigned slot;
	struct ipc_msg m;
} said[SAID];
static unsigned nsaid, nread;

/* Of the rest of the master. */
int
master_tell(struct master *m, unsigned slot, const struct ipc_msg *msg)
{
	ck_assert(m->slot[slot].proc.pid != 0);
	ck_assert_uint_lt(nsaid, SAID);
	said[nsaid].slot = slot;
	said[nsaid++].m = *msg;
	return 0;
}

/* Whoever ordered it. */
static struct {
	unsigned n;
	void *owner;
	struct ipc_pushed last;
	bool end; /* take it back while it is told */
} heard;

static void
told(
    struct master *m, struct target *t, void *owner, const struct ipc_pushed *d)
{
	heard.n++;
	heard.owner = owner;
	heard.last = *d;
	if (heard.end)
		targets_end(m, t, true);
}

static const struct target_ops ops = { .told = told };

static void
up(unsigned slot)
{
	struct proc *p = &M.slot[slot].proc;
	memset(p, 0, sizeof *p);
	p->pid = 100;
	p->ready = true;
	targets_worker_ready(&M, slot);
}

static void
down(unsigned slot)
{
	M.slot[slot].proc.pid = 0;
	targets_worker_died(&M, slot);
}

static void
begin(void)
{
	memset(&M, 0, sizeof M);
	memset(&heard, 0, sizeof heard);
	nsaid = nread = 0;
	M.nslots = SLOTS;
	M.targets = targets_new();
	ck_assert_ptr_nonnull(M.targets);
	for (unsigned i = 0; i < SLOTS; i++)
		up(i);
}

static void
end(void)
{
	targets_free(M.targets);
}

#define KEY(name) ((struct span){ "v\0live\0i\0" name, 9 + sizeof name - 1 })

static struct target *
start(struct span key, const char *name)
{
	struct target_spec s = { .key = key,
		.url = span_of("rtmp://other.example/live"),
		.name = span_of(name),
		.lag_ms = 2000 };
	const char *why;
	struct target *t = targets_start(&M, &s, &ops, &heard, &why);
	ck_assert_ptr_nonnull(t);
	return t;
}

/* The next thing that a worker was told; kind 0: nothing. */
static const struct ipc_msg *
next(unsigned *slot)
{
	static const struct ipc_msg nothing;
	*slot = SLOTS;
	if (nread == nsaid)
		return &nothing;
	*slot = said[nread].slot;
	return &said[nread++].m;
}

static int
says(unsigned slot, uint64_t id, enum pushed_state state)
{
	struct ipc_msg m = { .kind = IPC_PUSHED };
	m.u.pushed.id = id;
	m.u.pushed.state = state;
	m.u.pushed.bytes = 1000;
	return targets_message(&M, slot, &m);
}

START_TEST(orders_go_to_the_worker_with_the_fewest)
{
	unsigned slot, n[SLOTS] = { 0 };
	const struct ipc_msg *m;
	for (unsigned i = 0; i < 4 * SLOTS; i++)
		(void)start(KEY("a"), "a");
	while ((m = next(&slot))->kind != 0) {
		ck_assert_uint_eq(m->kind, IPC_PUSH);
		n[slot]++;
	}
	for (unsigned i = 0; i < SLOTS; i++)
		ck_assert_uint_eq(n[i], 4);
}
END_TEST

START_TEST(a_wrong_address_is_no_order)
{
	static const char *const wrong[] = { "", "rtmp://", "rtmp://host",
		"rtmp://host/", "http://host/live", "rtmps://host/live",
		"rtmp://host:0/live", "rtmp://ho st/live", "rtmp:/live" };
	const char *why;
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct target_spec s = { .key = KEY("a"),
			.url = span_of(wrong[i]),
			.name = span_of("a") };
		ck_assert_ptr_null(targets_start(&M, &s, &ops, NULL, &why));
		ck_assert_ptr_nonnull(why);
	}
	ck_assert_uint_eq(nsaid, 0);
	ck_assert_uint_eq(targets_count(M.targets), 0);
}
END_TEST

START_TEST(what_is_too_long_is_no_order)
{
	static char text[2 * IPC_NAME_MAX];
	struct target_spec s = { .key = KEY("a"),
		.url = span_of("rtmp://host/live"),
		.name = { text, IPC_NAME_MAX + 1 } };
	const char *why;
	memset(text, 'x', sizeof text);
	ck_assert_ptr_null(targets_start(&M, &s, &ops, NULL, &why));
	s.name.len = IPC_NAME_MAX;
	s.args = (struct span){ text, IPC_ARGS_MAX + 1 };
	ck_assert_ptr_null(targets_start(&M, &s, &ops, NULL, &why));
	s.args.len = IPC_ARGS_MAX;
	ck_assert_ptr_nonnull(targets_start(&M, &s, &ops, NULL, &why));
}
END_TEST

START_TEST(its_owner_hears_what_its_worker_says_and_nobody_else)
{
	unsigned slot;
	(void)start(KEY("a"), "a");
	uint64_t id = next(&slot)->u.push.id;
	ck_assert_int_eq(says(slot, id, PUSHED_UP), 0);
	ck_assert_uint_eq(heard.n, 1);
	ck_assert_ptr_eq(heard.owner, &heard);
	ck_assert_uint_eq(heard.last.state, PUSHED_UP);
	/* another worker's, one that never was, nonsense */
	ck_assert_int_eq(says((slot + 1) % SLOTS, id, PUSHED_UP), -EPROTO);
	ck_assert_int_eq(says(slot, id + 1, PUSHED_UP), -EPROTO);
	ck_assert_int_eq(says(slot, 0, PUSHED_UP), -EPROTO);
	struct ipc_msg m = { .kind = IPC_PUSHED };
	m.u.pushed.id = id;
	m.u.pushed.reason = REASON_COUNT;
	ck_assert_int_eq(targets_message(&M, slot, &m), -EPROTO);
	ck_assert_uint_eq(heard.n, 1);
}
END_TEST

START_TEST(over_is_the_end_and_what_comes_later_is_passed_over)
{
	unsigned slot;
	(void)start(KEY("a"), "a");
	uint64_t id = next(&slot)->u.push.id;
	heard.end = true; /* harmless then */
	ck_assert_int_eq(says(slot, id, PUSHED_OVER), 0);
	ck_assert_uint_eq(heard.n, 1);
	ck_assert_uint_eq(targets_count(M.targets), 0);
	ck_assert_int_eq(says(slot, id, PUSHED_OVER), 0);
	ck_assert_uint_eq(heard.n, 1);
	ck_assert_uint_eq(next(&slot)->kind, 0);
}
END_TEST

START_TEST(who_takes_it_back_while_told_hears_no_more)
{
	unsigned slot, again;
	(void)start(KEY("a"), "a");
	uint64_t id = next(&slot)->u.push.id;
	heard.end = true;
	ck_assert_int_eq(says(slot, id, PUSHED_LOST), 0);
	const struct ipc_msg *m = next(&again);
	ck_assert_uint_eq(m->kind, IPC_UNPUSH);
	ck_assert_uint_eq(m->u.push.id, id);
	ck_assert_uint_eq(m->u.push.goodbye, 1);
	ck_assert_uint_eq(again, slot);
	ck_assert_int_eq(says(slot, id, PUSHED_UP), 0);
	ck_assert_uint_eq(heard.n, 1);
	ck_assert_uint_eq(targets_count(M.targets), 0);
}
END_TEST

START_TEST(orders_end_with_their_stream)
{
	unsigned slot, n = 0;
	const struct ipc_msg *m;
	for (unsigned i = 0; i < 5; i++)
		(void)start(KEY("a"), "x");
	(void)start(KEY("b"), "x");
	while (next(&slot)->kind != 0)
		;
	struct span a = KEY("a");
	targets_stream_ended(&M, a.p, a.len, false);
	ck_assert_uint_eq(heard.n, 5);
	ck_assert_uint_eq(heard.last.state, PUSHED_OVER);
	ck_assert_uint_eq(heard.last.reason, REASON_UNPUBLISHED);
	for (; (m = next(&slot))->kind != 0; n++) {
		ck_assert_uint_eq(m->kind, IPC_UNPUSH);
		ck_assert_uint_eq(m->u.push.goodbye, 0);
	}
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_eq(targets_count(M.targets), 1);
}
END_TEST

START_TEST(another_worker_takes_over_what_a_dead_one_had)
{
	unsigned slot, other;
	struct target *t = start(KEY("a"), "a");
	struct ipc_push first = next(&slot)->u.push;
	ck_assert_int_eq(says(slot, first.id, PUSHED_UP), 0);
	down(slot);
	const struct ipc_msg *m = next(&other);
	ck_assert_uint_eq(m->kind, IPC_PUSH);
	ck_assert_uint_ne(other, slot);
	ck_assert_int_eq(memcmp(&m->u.push, &first, sizeof first), 0);
	/* bytes of both */
	ck_assert_int_eq(says(other, first.id, PUSHED_UP), 0);
	ck_assert_uint_eq(targets_seen(t)->bytes, 2000);
	ck_assert_uint_eq(targets_seen(t)->retries, 1);
}
END_TEST

START_TEST(without_a_worker_orders_wait_for_one)
{
	unsigned slot;
	struct target *t = start(KEY("a"), "a");
	(void)next(&slot);
	for (unsigned i = 0; i < SLOTS; i++)
		down(i);
	nread = nsaid;
	ck_assert_int_eq(targets_slot(t), -1);
	struct target *gone = start(KEY("b"), "b");
	targets_end(&M, gone, true); /* nobody was ever told */
	up(2);
	const struct ipc_msg *m = next(&slot);
	ck_assert_uint_eq(slot, 2);
	ck_assert_uint_eq(m->u.push.namelen, 1);
	ck_assert_int_eq(m->u.push.name[0], 'a');
	ck_assert_uint_eq(next(&slot)->kind, 0);
}
END_TEST

START_TEST(a_worker_that_takes_nothing_is_told_later_and_the_newest)
{
	unsigned slot;
	for (unsigned i = 0; i < SLOTS; i++)
		M.slot[i].proc.qlen = PROC_QUEUE;
	struct target *t = start(KEY("a"), "a"), *u = start(KEY("b"), "b");
	targets_set_lag(&M, t, 5000);
	targets_end(&M, u, true); /* it never knew */
	ck_assert_uint_eq(next(&slot)->kind, 0);
	for (unsigned i = 0; i < SLOTS; i++) {
		M.slot[i].proc.qlen = 0;
		targets_flush(&M, i);
	}
	ck_assert_uint_eq(next(&slot)->u.push.lag_ms, 5000);
	ck_assert_uint_eq(next(&slot)->kind, 0);
}
END_TEST

START_TEST(a_bare_connection_gets_its_stream_with_the_same_id)
{
	unsigned slot, again;
	struct target *t = start(KEY(""), "");
	uint64_t id = next(&slot)->u.push.id;
	struct span a = KEY("a");
	/* it has no stream that could end */
	targets_stream_ended(&M, KEY("").p, KEY("").len, true);
	ck_assert_uint_eq(heard.n, 0);
	struct target_spec s = { .key = a,
		.name = span_of("there"),
		.mode = PUSH_RECORD,
		.lag_ms = 300 };
	ck_assert_ptr_null(targets_publish(&M, t, &s));
	const struct ipc_msg *m = next(&again);
	ck_assert_uint_eq(again, slot);
	ck_assert_uint_eq(m->u.push.id, id);
	ck_assert_uint_eq(m->u.push.namelen, 5);
	ck_assert_uint_eq(m->u.push.mode, PUSH_RECORD);
	ck_assert(targets_is(
	    t, a, span_of("rtmp://other.example/live"), span_of("there")));
	targets_stream_ended(&M, a.p, a.len, true);
	ck_assert_uint_eq(heard.n, 1);
}
END_TEST

static uint64_t answered_call;

static void
answered(
    struct master *m, struct target *t, void *owner, const struct ipc_called *d)
{
	(void)m;
	(void)t;
	ck_assert_ptr_eq(owner, &heard);
	answered_call = d->call;
}

START_TEST(methods_are_called_where_the_connection_is)
{
	static const struct target_ops calls = { .told = told,
		.answered = answered };
	unsigned slot, again;
	struct span args = { "abc", 3 };
	struct target *t = start(KEY("a"), "a");
	uint64_t id = next(&slot)->u.push.id;
	targets_give(t, &calls, &heard);
	/* it is not there yet */
	ck_assert_ptr_nonnull(targets_call(&M, t, 1, "m", args));
	ck_assert_int_eq(says(slot, id, PUSHED_UP), 0);
	ck_assert_ptr_null(targets_call(&M, t, 5, "m", args));
	const struct ipc_msg *m = next(&again);
	ck_assert_uint_eq(m->kind, IPC_CALL);
	ck_assert_uint_eq(again, slot);
	ck_assert_uint_eq(m->u.call.id, id);
	ck_assert_uint_eq(m->u.call.call, 5);
	ck_assert_str_eq(m->u.call.method, "m");
	ck_assert_uint_eq(m->u.call.argslen, 3);
	struct ipc_msg d = { .kind = IPC_CALLED };
	d.u.called.id = id;
	d.u.called.call = 5;
	ck_assert_int_eq(targets_message(&M, (slot + 1) % SLOTS, &d), -EPROTO);
	ck_assert_int_eq(targets_message(&M, slot, &d), 0);
	ck_assert_uint_eq(answered_call, 5);
	/* what does not fit, and a worker that takes nothing */
	static char method[IPC_METHOD_MAX + 1];
	memset(method, 'm', IPC_METHOD_MAX);
	ck_assert_ptr_nonnull(targets_call(&M, t, 6, method, args));
	ck_assert_ptr_nonnull(targets_call(&M, t, IPC_CALLS, "m", args));
	args.len = IPC_CALL_MAX + 1;
	ck_assert_ptr_nonnull(targets_call(&M, t, 6, "m", args));
	args.len = 0;
	M.slot[slot].proc.qlen = PROC_QUEUE;
	ck_assert_ptr_nonnull(targets_call(&M, t, 6, "m", args));
	ck_assert_uint_eq(next(&slot)->kind, 0);
}
END_TEST

START_TEST(there_is_a_limit)
{
	unsigned n = 0;
	const char *why = NULL;
	struct target_spec s = { .key = KEY("a"),
		.url = span_of("rtmp://host/live"),
		.name = span_of("a") };
	for (unsigned i = 0; i < SLOTS; i++)
		M.slot[i].proc.qlen = PROC_QUEUE;
	while (targets_start(&M, &s, &ops, NULL, &why) != NULL)
		n++;
	ck_assert_uint_eq(n, TARGETS_MAX);
	ck_assert_ptr_nonnull(why);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("targets");
	TCase *t = tcase_create("targets");
	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, orders_go_to_the_worker_with_the_fewest);
	tcase_add_test(t, a_wrong_address_is_no_order);
	tcase_add_test(t, what_is_too_long_is_no_order);
	tcase_add_test(t, its_owner_hears_what_its_worker_says_and_nobody_else);
	tcase_add_test(t, over_is_the_end_and_what_comes_later_is_passed_over);
	tcase_add_test(t, who_takes_it_back_while_told_hears_no_more);
	tcase_add_test(t, orders_end_with_their_stream);
	tcase_add_test(t, another_worker_takes_over_what_a_dead_one_had);
	tcase_add_test(t, without_a_worker_orders_wait_for_one);
	tcase_add_test(
	    t, a_worker_that_takes_nothing_is_told_later_and_the_newest);
	tcase_add_test(t, a_bare_connection_gets_its_stream_with_the_same_id);
	tcase_add_test(t, methods_are_called_where_the_connection_is);
	tcase_add_test(t, there_is_a_limit);
	suite_add_tcase(suite, t);
	SRunner *r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
