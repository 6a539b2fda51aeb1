/*
 * check_guests - clients that come through an edge (worker/tree.h), and how many
 * watch behind it (worker/viewers.h), in whole sessions over a fake loop.
 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bans.h"
#include "rtmp/wire.h"
#include "shm/arena.h"
#include "t/unit/edges.h"
#include "worker/conn.h"
#include "worker/guest.h"
#include "worker/node.h"
#include "worker/tree.h"

enum { MANY = WORLD_VIRTUAL };

static void
begin_trusted(void)
{
	begin();
	edges_trusted();
}

static bool
refused(struct client *e, uint32_t msid)
{
	go(e);
	return heard(e, "_error", msid) == 1 && heard(e, "_result", msid) == 0;
}

/* Connections that carry clients --------------------------------------------- */

START_TEST(an_edge_that_is_not_trusted_is_refused)
{
	strcpy(conf_vhost(x->conf, 0)->trusted_edges, "203.0.113.0/24");
	struct client *e = edge_open(0, "rtmp://localhost/");
	ck_assert_uint_eq(heard(e, "_error", 0), 1);
	ck_assert_uint_eq(heard(e, "_result", 0), 0);
	ck_assert_uint_eq(
	    counter(0, (unsigned)COUNTER_REASONS + REASON_EDGE_TRUST), 1);
}
END_TEST

/* Its address is that of the first client, which may have named anything. */
START_TEST(an_edge_that_any_virtual_host_trusts_may_carry_clients)
{
	struct client *e = edge_open(0, "rtmp://other.test/live");
	ck_assert_uint_eq(heard(e, "_result", 0), 1);
	edge_connect(
	    e, 1, &(struct edge_client){ .url = "rtmp://other.test/live" });
	ck_assert(refused(e, 1));
	edge_connect(e, 2, NULL);
	go(e);
	ck_assert_uint_eq(heard(e, "_result", 2), 1);
}
END_TEST

START_TEST(many_clients_are_let_in_on_one_connection)
{
	struct client *e = edge(0);
	for (uint32_t i = 1; i <= MANY; i++)
		edge_connect(e, i * 7, NULL);
	go(e);
	for (uint32_t i = 1; i <= MANY; i++)
		ck_assert_uint_eq(heard(e, "_result", i * 7), 1);
	ck_assert_uint_eq(virtuals(0), MANY);
	leave(e);
	ck_assert_uint_eq(virtuals(0), 0);
}
END_TEST

START_TEST(where_nobody_judges_the_edge_is_told)
{
	struct client *e = edge(0);
	struct cmd cmd;
	struct cmd_reply r;
	struct amf0_value v;
	edge_connect(e, 5, &(struct edge_client){ .txn = 77 });
	go(e);
	ck_assert_ptr_nonnull(last(e, "_result", &cmd));
	ck_assert(cmd.txn == 77);
	ck_assert_int_eq(cmd_parse_reply(&cmd, &r), AMF0_OK);
	ck_assert(amf0_find(&r.info, CMD_ASK, &v));
	ck_assert(v.type == AMF0_BOOLEAN && !v.boolean);
	ck_assert(!amf0_find(&r.info, CMD_NODE, &v));
}
END_TEST

START_TEST(where_callbacks_judge_the_edge_asks_each_time)
{
	struct client *e = edge(0);
	struct cmd cmd;
	struct cmd_reply r;
	struct amf0_value v;
	strcpy(x->app->on_connect, "http://localhost/");
	edge_connect(e, 5, NULL);
	go(e);
	ck_assert_ptr_nonnull(last(e, "_result", &cmd));
	ck_assert_int_eq(cmd_parse_reply(&cmd, &r), AMF0_OK);
	ck_assert(!amf0_find(&r.info, CMD_ASK, &v));
}
END_TEST

START_TEST(more_than_there_is_room_for_are_refused_one_by_one)
{
	struct client *e = edge(0);
	for (uint32_t i = 1; i <= MANY + 3; i++)
		edge_connect(e, i, NULL);
	go(e);
	for (uint32_t i = 1; i <= MANY; i++)
		ck_assert_uint_eq(heard(e, "_result", i), 1);
	for (uint32_t i = MANY + 1; i <= MANY + 3; i++)
		ck_assert_uint_eq(heard(e, "_error", i), 1);
	/* one that goes makes room */
	edge_gone(e, 3);
	edge_connect(e, MANY + 4, NULL);
	go(e);
	ck_assert_uint_eq(heard(e, "_result", MANY + 4), 1);
	ck_assert_ptr_nonnull(client_conn(e));
}
END_TEST

START_TEST(memory_of_clients_is_limited)
{
	struct client *e = edge(0);
	/* what the connection itself has is of the pool, and not of this */
	x->conf->input_bytes = 3000;
	for (uint32_t i = 1; i <= 8; i++)
		edge_connect(e, i, NULL);
	go(e);
	unsigned in = virtuals(0);
	ck_assert_uint_gt(in, 0);
	ck_assert_uint_lt(in, 8);
	ck_assert_uint_eq(heard(e, "_result", 1), 1);
	ck_assert_uint_eq(heard(e, "_error", 8), 1);
	x->conf->input_bytes = 16 << 20;
}
END_TEST

START_TEST(a_message_stream_that_is_in_use_ends_the_edge)
{
	struct client *e = edge(0);
	edge_connect(e, 3, NULL);
	edge_connect(e, 3, NULL);
	go(e);
	ck_assert_uint_eq(virtuals(0), 0);
	ck_assert_uint_eq(
	    counter(0, (unsigned)COUNTER_REASONS + REASON_COMMAND_ORDER), 1);
}
END_TEST

START_TEST(a_refused_one_leaves_its_number)
{
	struct client *e = edge(0);
	edge_connect(e, 3, &(struct edge_client){ .app = "\x01" });
	ck_assert(refused(e, 3));
	edge_connect(e, 3, NULL);
	go(e);
	ck_assert_uint_eq(heard(e, "_result", 3), 1);
}
END_TEST

START_TEST(calls_and_ends_of_unknown_clients_are_ignored)
{
	struct client *e = edge(0);
	edge_call(e, 9, "hello", 2);
	edge_gone(e, 9);
	edge_gone(e, -1);
	edge_gone(e, (double)NAN);
	edge_gone(e, 1e300);
	edge_call(e, 0, "createStream", 3);
	edge_call(e, 0, "connect", 4);
	go(e);
	ck_assert_uint_eq(e->ncmd, 0);
	ck_assert_ptr_nonnull(client_conn(e));
	edge_connect(e, 9, NULL);
	go(e);
	ck_assert_uint_eq(heard(e, "_result", 9), 1);
}
END_TEST

START_TEST(calls_that_nobody_takes_are_answered)
{
	struct client *e = edge(0);
	edge_connect(e, 1, NULL);
	edge_connect(e, 2, NULL);
	edge_call(e, 2, "hello", 8);
	edge_call(e, 2, "notify", 0);
	go(e);
	ck_assert_uint_eq(heard(e, "_error", 1), 0);
	ck_assert_uint_eq(heard(e, "_error", 2), 1);
	struct cmd cmd;
	ck_assert_ptr_nonnull(last(e, "_error", &cmd));
	ck_assert(cmd.txn == 8);
}
END_TEST

START_TEST(who_is_gone_is_heard_no_more)
{
	struct client *e = edge(0);
	edge_connect(e, 1, NULL);
	edge_gone(e, 1);
	edge_gone(e, 1);
	edge_call(e, 1, "hello", 8);
	go(e);
	ck_assert_uint_eq(virtuals(0), 0);
	ck_assert_uint_eq(heard(e, "_result", 1), 1);
	ck_assert_uint_eq(heard(e, "_error", 1), 0);
}
END_TEST

START_TEST(who_is_kicked_is_closed_at_its_edge)
{
	struct client *e = edge(0);
	struct worker *w = &x->w[0];
	edge_connect(e, 4, NULL);
	edge_connect(e, 5, NULL);
	go(e);
	uint64_t id = 0;
	for (uint32_t i = w->conns->size; i < w->arena.nrows && id == 0; i++)
		id = arena_row(&w->arena, 0, i)->id;
	struct guest *g = guest_by_id(w, id);
	ck_assert_ptr_nonnull(g);
	uint32_t msid = g->below;
	tree_kick(w, g);
	ck_assert_ptr_null(guest_by_id(w, id));
	world_run(x);
	go(e);
	ck_assert_uint_eq(heard(e, "close", msid), 1);
	ck_assert_uint_eq(heard(e, "close", 9 - msid), 0);
	ck_assert_uint_eq(virtuals(0), 1);
	edge_gone(e, msid); /* it crosses */
	go(e);
	ck_assert_uint_eq(virtuals(0), 1);
}
END_TEST

START_TEST(addresses_are_judged_as_those_of_connections)
{
	struct client *e = edge(0);
	struct addr bad;
	ck_assert_int_eq(addr_parse("198.51.100.66", 13, &bad), 0);
	ck_assert_int_eq(bans_set(&x->w[0].conns->bans, &bad,
			     mono_add_ms(x->now, 60000), x->now),
	    0);
	edge_connect(e, 1, &(struct edge_client){ .addr = "198.51.100.66:1" });
	ck_assert(refused(e, 1));
	edge_connect(e, 2, &(struct edge_client){ .addr = "198.51.100.67:1" });
	edge_connect(e, 3, &(struct edge_client){ .addr = "nowhere" });
	edge_connect(e, 4, &(struct edge_client){ .addr = "" });
	ck_assert(refused(e, 3));
	ck_assert(refused(e, 4));
	ck_assert_uint_eq(heard(e, "_result", 2), 1);
}
END_TEST

START_TEST(circles_and_malformed_ways_are_refused)
{
	struct client *e = edge(0);
	char me[NODE_TEXT], both[2 * NODE_TEXT];
	node_print(&x->w[0], me);
	edge_connect(e, 1, &(struct edge_client){ .via = me, .hops = 1 });
	ck_assert(refused(e, 1));
	snprintf(both, sizeof both, "00000000000000ed,%s", me);
	edge_connect(e, 2, &(struct edge_client){ .via = both, .hops = 2 });
	ck_assert(refused(e, 2));
	edge_connect(e, 3, &(struct edge_client){ .via = "no ids", .hops = 1 });
	ck_assert(refused(e, 3));
	edge_connect(e, 4,
	    &(struct edge_client){ .via = "00000000000000ed", .hops = 17 });
	ck_assert(refused(e, 4));
	edge_connect(e, 5,
	    &(struct edge_client){ .via = "00000000000000ed", .hops = -1 });
	ck_assert(refused(e, 5));
	edge_connect(e, 6,
	    &(struct edge_client){
		.via = "00000000000000ed", .hops = (double)NAN });
	edge_connect(e, 7,
	    &(struct edge_client){ .via = "00000000000000ed", .hops = 1 });
	go(e);
	ck_assert_uint_eq(heard(e, "_result", 7), 1);
}
END_TEST

START_TEST(a_connect_that_cannot_be_read_ends_the_edge)
{
	struct client *e = edge(0);
	edge_connect(e, 1, NULL);
	edge_call(e, 2, "connect", 1);
	go(e);
	ck_assert_uint_eq(virtuals(0), 0);
	ck_assert_uint_eq(
	    counter(0, (unsigned)COUNTER_REASONS + REASON_COMMAND_INVALID), 1);
}
END_TEST

/* Silence ---------------------------------------------------------------------- */

/* What it answers to pings; an edge of ours does so too, however little it says. */
static void
answer_pings(struct client *e, uint64_t ms)
{
	uint8_t pong[64];
	for (; ms > 0; ms -= 500) {
		struct writer wr;
		uint32_t was = e->pinged;
		world_wait(x, 500);
		if (e->pinged == was)
			continue;
		writer_init(&wr, pong, sizeof pong);
		wire_user_control(&wr, WIRE_PING_RESPONSE, e->ping);
		client_put(e, pong, wr.len);
		go(e);
	}
}

START_TEST(an_edge_whose_clients_are_silent_stays)
{
	struct client *e = edge(0);
	edge_connect(e, 1, NULL);
	go(e);
	answer_pings(e, 60000);
	ck_assert_ptr_nonnull(client_conn(e));
	ck_assert_uint_eq(virtuals(0), 1);
	ck_assert_uint_gt(e->pinged, 0);
}
END_TEST

START_TEST(an_edge_that_does_not_answer_is_lost)
{
	struct client *e = edge(0);
	edge_connect(e, 1, NULL);
	go(e);
	world_wait(x, 14000);
	ck_assert_ptr_nonnull(client_conn(e));
	world_wait(x, 3000);
	ck_assert_uint_eq(virtuals(0), 0);
	ck_assert_uint_eq(
	    counter(0, (unsigned)COUNTER_REASONS + REASON_EDGE_LOST), 1);
}
END_TEST

START_TEST(an_edge_of_which_nothing_was_read_is_not_silent)
{
	struct client *e = edge(0);
	edge_connect(e, 1, NULL);
	go(e);
	conn_hold(&x->w[0], client_conn(e));
	world_wait(x, 4500);
	/* our edges give up who says nothing for 5 s */
	ck_assert_uint_ge(e->pinged, 1);
	world_wait(x, 15000);
	ck_assert_uint_ge(e->pinged, 4);
	conn_resume(&x->w[0], client_conn(e));
	world_wait(x, 2000);
	ck_assert_uint_eq(virtuals(0), 1);
	ck_assert_ptr_nonnull(client_conn(e));
}
END_TEST

/* Viewers ---------------------------------------------------------------------- */

/* An edge that plays `a` on message stream 1. */
static struct client *
playing_edge(unsigned worker, const char *name)
{
	const struct cmd_connect k = { .txn = 1,
		.app = span_of("live"),
		.tc_url = span_of("rtmp://localhost/live"),
		.node = span_of("00000000000000ed") };
	uint8_t buf[1024];
	struct writer wr;
	struct client *c = client_open(x, worker);
	client_shake(c);
	writer_init(&wr, buf, sizeof buf);
	cmd_write_connect(&wr, c->chunk, &k);
	client_put(c, buf, wr.len);
	client_set_chunk(c, 65536);
	client_call(c, CMD_CREATE_STREAM, 0);
	if (name != NULL)
		client_play(c, 1, name);
	go(c);
	return c;
}

static void
say_viewers(struct client *c, uint32_t msid, double n)
{
	uint8_t buf[256];
	struct writer wr;
	writer_init(&wr, buf, sizeof buf);
	cmd_write_viewers(&wr, c->chunk, msid, n);
	client_put(c, buf, wr.len);
	go(c);
}

static int64_t
viewers(const char *name)
{
	const struct model_stream *s = model_find(&x->model, name);
	ck_assert_ptr_nonnull(s);
	return arena_viewers(&x->master.arena, s->block);
}

START_TEST(viewers_behind_edges_add_up)
{
	(void)live(0, "a");
	struct client *p = player(1, "a", 1);
	struct client *e = playing_edge(0, "a"), *f = playing_edge(1, "a");
	/* an edge that says nothing is one viewer */
	ck_assert_int_eq(viewers("a"), 3);
	say_viewers(e, 1, 10);
	ck_assert_int_eq(viewers("a"), 12);
	say_viewers(f, 1, 100);
	ck_assert_int_eq(viewers("a"), 111);
	say_viewers(e, 1, 0);
	ck_assert_int_eq(viewers("a"), 101);
	say_viewers(e, 1, 7);
	leave(f);
	ck_assert_int_eq(viewers("a"), 8);
	leave(e);
	ck_assert_int_eq(viewers("a"), 1);
	leave(p);
	world_wait(x, 3000);
	ck_assert_int_eq(viewers("a"), 0);
}
END_TEST

START_TEST(what_is_no_number_of_viewers_is_ignored)
{
	(void)live(0, "a");
	struct client *e = playing_edge(0, "a");
	say_viewers(e, 1, 10);
	say_viewers(e, 1, -1);
	say_viewers(e, 1, 1e15);
	say_viewers(e, 2, 50);
	ck_assert_int_eq(viewers("a"), 10);
	ck_assert_ptr_nonnull(client_conn(e));
	say_viewers(e, 1, (double)NAN);
	ck_assert_uint_eq(
	    counter(0, (unsigned)COUNTER_REASONS + REASON_COMMAND_INVALID), 1);
	ck_assert_int_eq(viewers("a"), 0);
}
END_TEST

START_TEST(only_trusted_edges_are_believed)
{
	strcpy(conf_vhost(x->conf, 0)->trusted_edges, "");
	(void)live(0, "a");
	struct client *e = playing_edge(0, "a");
	say_viewers(e, 1, 10);
	ck_assert_int_eq(viewers("a"), 1);
}
END_TEST

START_TEST(a_worker_watches_two_names_and_each_has_its_own)
{
	(void)live(0, "a");
	(void)live(1, "b");
	struct client *e = playing_edge(0, "a"), *f = playing_edge(0, "b");
	say_viewers(e, 1, 10);
	say_viewers(f, 1, 20);
	ck_assert_int_eq(viewers("a"), 10);
	ck_assert_int_eq(viewers("b"), 20);
	/* the same NetStream, another name: nothing is left at the first */
	client_play(e, 1, "b");
	go(e);
	ck_assert_int_eq(viewers("a"), 0);
	ck_assert_int_eq(viewers("b"), 21);
	leave(f);
	ck_assert_int_eq(viewers("b"), 1);
}
END_TEST

START_TEST(what_was_said_while_it_waited_counts_when_it_is_live)
{
	struct client *e = playing_edge(0, "a");
	say_viewers(e, 1, 10);
	struct client *p = live(1, "a");
	world_wait(x, 100);
	ck_assert_int_eq(viewers("a"), 10);
	/* and not twice when it comes back */
	leave(p);
	world_wait(x, 60000);
	(void)live(1, "a");
	world_wait(x, 100);
	ck_assert_int_eq(viewers("a"), 10);
}
END_TEST

START_TEST(who_publishes_through_an_edge_says_who_watches_there)
{
	struct client *p = playing_edge(0, NULL);
	client_publish(p, 1, "a");
	go(p);
	frame(p, VIDEO_HEADER, 0, 40);
	frame(p, KEY, 0, 300);
	struct client *v = player(1, "a", 1);
	ck_assert_int_eq(viewers("a"), 1);
	say_viewers(p, 1, 1000);
	ck_assert_int_eq(viewers("a"), 1001);
	say_viewers(p, 1, 5);
	ck_assert_int_eq(viewers("a"), 6);
	leave(v);
	leave(p);
	world_wait(x, 60000);
	for (unsigned b = 0; b < WORLD_BLOCKS; b++)
		ck_assert_int_eq(arena_viewers(&x->master.arena, b), 0);
}
END_TEST

/* More than a word of 32 bits, of edges that lie. */
START_TEST(sums_that_are_too_large_go_away_again)
{
	enum { EDGES = 9, EACH = WORLD_PLAYS };
	struct client *e[EDGES];
	x->app->max_netstreams = EACH;
	(void)live(0, "a");
	for (unsigned i = 0; i < EDGES; i++) {
		e[i] = playing_edge(0, "a");
		for (uint32_t k = 2; k <= EACH; k++) {
			client_call(e[i], CMD_CREATE_STREAM, 0);
			client_play(e[i], k, "a");
		}
		for (uint32_t k = 1; k <= EACH; k++)
			say_viewers(e[i], k, 1 << 24);
	}
	for (unsigned i = 0; i < EDGES; i++)
		for (uint32_t k = 1; k <= EACH; k++)
			say_viewers(e[i], k, 2);
	ck_assert_int_eq(viewers("a"), 2 * EDGES * EACH);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("guests");
	TCase *t = tcase_create("guests");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, begin_trusted, end);
	suite_add_tcase(s, t);
	tcase_add_test(t, an_edge_that_is_not_trusted_is_refused);
	tcase_add_test(
	    t, an_edge_that_any_virtual_host_trusts_may_carry_clients);
	tcase_add_test(t, many_clients_are_let_in_on_one_connection);
	tcase_add_test(t, where_callbacks_judge_the_edge_asks_each_time);
	tcase_add_test(t, where_nobody_judges_the_edge_is_told);
	tcase_add_test(t, more_than_there_is_room_for_are_refused_one_by_one);
	tcase_add_test(t, memory_of_clients_is_limited);
	tcase_add_test(t, a_message_stream_that_is_in_use_ends_the_edge);
	tcase_add_test(t, a_refused_one_leaves_its_number);
	tcase_add_test(t, calls_and_ends_of_unknown_clients_are_ignored);
	tcase_add_test(t, calls_that_nobody_takes_are_answered);
	tcase_add_test(t, who_is_gone_is_heard_no_more);
	tcase_add_test(t, who_is_kicked_is_closed_at_its_edge);
	tcase_add_test(t, addresses_are_judged_as_those_of_connections);
	tcase_add_test(t, circles_and_malformed_ways_are_refused);
	tcase_add_test(t, a_connect_that_cannot_be_read_ends_the_edge);
	tcase_add_test(t, an_edge_whose_clients_are_silent_stays);
	tcase_add_test(t, an_edge_that_does_not_answer_is_lost);
	tcase_add_test(t, an_edge_of_which_nothing_was_read_is_not_silent);
	tcase_add_test(t, viewers_behind_edges_add_up);
	tcase_add_test(t, what_is_no_number_of_viewers_is_ignored);
	tcase_add_test(t, only_trusted_edges_are_believed);
	tcase_add_test(t, a_worker_watches_two_names_and_each_has_its_own);
	tcase_add_test(t, what_was_said_while_it_waited_counts_when_it_is_live);
	tcase_add_test(t, who_publishes_through_an_edge_says_who_watches_there);
	tcase_add_test(t, sums_that_are_too_large_go_away_again);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
