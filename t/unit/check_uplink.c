/*
 * check_uplink - clients of an edge and the server above (worker/uplink.h), which the
 * test plays: what it says, and every moment at which it may end.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/wire.h"
#include "t/fuzz/fakenet.h"
#include "t/unit/edges.h"
#include "worker/conn.h"
#include "worker/guest.h"

static void
begin_edge(void)
{
	begin();
	edges_trusted();
	edges_remote();
}

/* Let time pass until the worker dials, 15 s at most. */
static struct client *
dialled(void)
{
	for (unsigned i = 0; i < 150; i++) {
		struct client *s = server_open(x, 0);
		if (s != NULL) {
			s->listens = true;
			go(s);
			return s;
		}
		world_wait(x, 100);
	}
	ck_abort_msg("nobody dials");
}

/* The server above that carries clients. */
static struct client *
tree_above(void)
{
	struct client *s = dialled();
	struct cmd cmd;
	struct cmd_connect cc;
	ck_assert_ptr_nonnull(last(s, "connect", &cmd));
	ck_assert_int_eq(cmd_parse_connect(&cmd, &cc), AMF0_OK);
	ck_assert(cc.tree == 1 && cc.node.len > 0);
	server_accepts(s, 0, 1, true, false);
	go(s);
	return s;
}

/* One of another make. */
static struct client *
other_above(void)
{
	struct client *s = dialled();
	server_accepts(s, 0, 1, false, false);
	go(s);
	return s;
}

/* The message stream of the client that s was told of last. */
static uint32_t
told_of(struct client *s)
{
	struct cmd cmd;
	const struct world_cmd *m = last(s, "connect", &cmd);
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_ne(m->msid, 0);
	return m->msid;
}

static bool
is_in(struct client *c)
{
	return heard(c, "_result", 0) == 1 && client_conn(c) != NULL &&
	       client_conn(c)->state == CONN_OPEN && !client_conn(c)->paused;
}

static bool
is_out(struct client *c)
{
	return client_conn(c) == NULL || client_conn(c)->state >= CONN_LINGER;
}

/* A client that was let in by s, on message stream msid there. */
static struct client *
let_in(struct client *s, uint32_t msid)
{
	struct client *c = client_at(0, NULL);
	ck_assert_uint_eq(heard(s, "connect", msid), 1);
	server_accepts(s, msid, 1, false, false);
	go(s);
	ck_assert(is_in(c));
	return c;
}

/* The server that carries clients, and the first of them. */
static struct client *
first_in(struct client **c)
{
	*c = client_at(0, NULL);
	struct client *s = tree_above();
	server_accepts(s, 1, 1, false, false);
	go(s);
	ck_assert(is_in(*c));
	return s;
}

/* Answers ---------------------------------------------------------------------- */

START_TEST(a_client_waits_until_the_server_above_lets_it_in)
{
	struct client *c = client_at(0, NULL), *s = tree_above();
	ck_assert_uint_eq(c->ncmd, 0);
	ck_assert_uint_eq(heard(s, "connect", 1), 1);
	server_accepts(s, 1, 1, false, false);
	go(s);
	ck_assert(is_in(c));
	leave(c);
	ck_assert_uint_eq(heard(s, "sluiceGone", 0), 1);
}
END_TEST

START_TEST(a_client_that_is_refused_hears_the_words_of_the_server)
{
	struct client *c = client_at(0, NULL), *s = tree_above();
	struct cmd cmd;
	struct cmd_reply r;
	server_refuses(s, 1, 1);
	go(s);
	ck_assert_ptr_nonnull(last(c, "_error", &cmd));
	ck_assert_int_eq(cmd_parse_reply(&cmd, &r), AMF0_OK);
	ck_assert(span_is(r.code, "NetConnection.Connect.Rejected"));
	ck_assert(span_is(r.description, "the server above says no"));
	ck_assert(is_out(c));
	ck_assert_ptr_nonnull(client_conn(s));
}
END_TEST

START_TEST(who_need_not_be_asked_about_is_let_in_at_once)
{
	struct client *c = client_at(0, NULL), *s = tree_above();
	server_accepts(s, 1, 1, false, true);
	go(s);
	ck_assert(is_in(c));
	struct client *d = client_at(0, NULL);
	ck_assert(is_in(d));
	ck_assert_uint_eq(heard(s, "connect", 2), 1);
	/* the server has another opinion all the same, and is asked from now on */
	server_refuses(s, 2, 1);
	go(s);
	ck_assert(is_out(d));
	d = client_at(0, NULL);
	ck_assert_uint_eq(d->ncmd, 0);
}
END_TEST

START_TEST(an_error_that_comes_late_ends_who_was_in)
{
	struct client *c, *s = first_in(&c);
	server_refuses(s, 1, 1);
	go(s);
	ck_assert(is_out(c));
}
END_TEST

START_TEST(close_ends_one_client_asked_or_in)
{
	struct client *c, *s = first_in(&c), *d = client_at(0, NULL);
	server_closes(s, 2);
	go(s);
	ck_assert(is_out(d));
	ck_assert(!is_out(c));
	server_closes(s, 1);
	go(s);
	ck_assert(is_out(c));
	ck_assert_ptr_nonnull(client_conn(s));
	ck_assert_uint_eq(heard(s, "sluiceGone", 0), 0);
}
END_TEST

START_TEST(what_is_said_of_nobody_is_ignored)
{
	struct client *c, *s = first_in(&c);
	server_accepts(s, 99, 1, false, false);
	server_refuses(s, 99, 1);
	server_closes(s, 99);
	server_closes(s, 0);
	server_returns(s, 99, "hello", 0);
	server_accepts(s, 1, 1, false, false); /* once more */
	go(s);
	ck_assert(is_in(c));
	ck_assert_ptr_nonnull(client_conn(s));
}
END_TEST

START_TEST(a_client_that_goes_while_it_is_asked_about_is_forgotten)
{
	struct client *c = client_at(0, NULL), *s = tree_above();
	client_end(c, -ECONNRESET);
	world_run(x);
	ck_assert_uint_eq(heard(s, "sluiceGone", 0), 1);
	server_accepts(s, 1, 1, false, false);
	go(s);
	ck_assert_ptr_nonnull(client_conn(s));
}
END_TEST

/* Calls ------------------------------------------------------------------------ */

START_TEST(calls_go_up_and_answers_come_back)
{
	struct client *c, *s = first_in(&c), *d = let_in(s, 2);
	edge_call(c, 0, "hello", 7);
	go(c);
	ck_assert_uint_eq(heard(s, "hello", 1), 1);
	server_returns(s, 1, "_result", 7);
	go(s);
	ck_assert_uint_eq(heard(c, "_result", 0), 2);
	ck_assert_uint_eq(heard(d, "_result", 0), 1);
	server_returns(s, 2, "shout", 0);
	go(s);
	ck_assert_uint_eq(heard(c, "shout", 0), 0);
	ck_assert_uint_eq(heard(d, "shout", 0), 1);
}
END_TEST

START_TEST(calls_that_were_answered_do_not_count)
{
	struct client *c, *s = first_in(&c);
	for (unsigned i = 0; i < GUEST_CALLS_MAX + 10; i++) {
		edge_call(c, 0, "hello", 2 + i);
		go(c);
		server_returns(s, 1, i % 2 == 0 ? "_result" : "_error", 2 + i);
		go(s);
	}
	ck_assert_uint_eq(heard(s, "hello", 1), GUEST_CALLS_MAX + 10);
	ck_assert_uint_eq(heard(c, "_result", 0), 1 + GUEST_CALLS_MAX / 2 + 5);
	deaf(c);
	/* and are not told to be lost */
	client_end(s, 0);
	world_run(x);
	ck_assert_uint_eq(heard(c, "_error", 0), 0);
}
END_TEST

START_TEST(more_calls_than_may_wait_are_answered_by_the_edge)
{
	struct client *c, *s = first_in(&c);
	for (unsigned i = 0; i < GUEST_CALLS_MAX + 3; i++)
		edge_call(c, 0, "hello", 2 + i);
	go(c);
	ck_assert_uint_eq(heard(s, "hello", 1), GUEST_CALLS_MAX);
	ck_assert_uint_eq(heard(c, "_error", 0), 3);
}
END_TEST

/* An edge below has let it in already: it was told that it need not ask. */
START_TEST(a_call_of_a_client_that_is_still_asked_about_is_answered)
{
	struct client *e = edge(0);
	edge_connect(e, 1, NULL);
	edge_call(e, 1, "hello", 7);
	edge_call(e, 1, "notify", 0);
	edge_call(e, 1, "_result", 8);
	go(e);
	ck_assert_uint_eq(heard(e, "_error", 1), 1);
	struct client *s = tree_above();
	ck_assert_uint_eq(heard(s, "hello", 1), 0);
	server_accepts(s, 1, 1, false, false);
	go(s);
	ck_assert_uint_eq(heard(e, "_result", 1), 1);
}
END_TEST

START_TEST(who_was_judged_may_stay_for_its_calls_alone)
{
	x->app->command_ms = 5000;
	struct client *c, *s = first_in(&c), *d = client_at(0, NULL);
	server_accepts(s, 2, 1, false, true);
	go(s);
	ck_assert(is_in(c) && is_in(d));
	for (unsigned i = 0; i < 16; i++) {
		uint8_t buf[64];
		struct writer wr;
		world_wait(x, 500);
		writer_init(&wr, buf, sizeof buf);
		wire_user_control(&wr, WIRE_PING_RESPONSE, s->ping);
		client_put(s, buf, wr.len);
		go(s);
	}
	ck_assert(is_in(c));
	ck_assert(is_out(d));
}
END_TEST

/* The path breaks -------------------------------------------------------------- */

START_TEST(lost_while_asked_it_is_asked_again)
{
	struct client *c = client_at(0, NULL), *s = tree_above();
	client_end(s, -ECONNRESET);
	world_run(x);
	ck_assert(!is_out(c));
	s = tree_above();
	server_accepts(s, told_of(s), 1, false, false);
	go(s);
	ck_assert(is_in(c));
}
END_TEST

START_TEST(lost_while_in_calls_fail_and_it_stays)
{
	struct client *c, *s = first_in(&c);
	edge_call(c, 0, "hello", 7);
	go(c);
	client_end(s, 0);
	world_run(x);
	ck_assert_uint_eq(heard(c, "_error", 0), 1);
	edge_call(c, 0, "hello", 8);
	go(c);
	ck_assert_uint_eq(heard(c, "_error", 0), 2);
	s = tree_above();
	/* it is told nothing of that */
	server_accepts(s, told_of(s), 1, false, false);
	go(s);
	ck_assert(is_in(c));
	edge_call(c, 0, "hello", 9);
	go(c);
	ck_assert_uint_eq(heard(s, "hello", told_of(s)), 1);
}
END_TEST

START_TEST(who_is_refused_after_a_break_is_disconnected)
{
	struct client *c, *s = first_in(&c);
	client_end(s, 0);
	world_run(x);
	s = tree_above();
	server_refuses(s, told_of(s), 1);
	go(s);
	ck_assert(is_out(c));
}
END_TEST

/* Without an answer newcomers are refused, in time. */
static void
in_vain(void)
{
	struct client *c = client_at(0, NULL);
	uint64_t waited = 0;
	while (!is_out(c) && waited < 20000) {
		(void)server_missing(x, 0);
		world_wait(x, 100);
		waited += 100;
	}
	ck_assert(is_out(c));
	ck_assert_uint_eq(heard(c, "_error", 0), 1);
	ck_assert_uint_ge(waited, 2000);
	ck_assert_uint_le(waited, 4000);
	ck_assert_uint_eq(
	    counter(0, (unsigned)COUNTER_REASONS + REASON_NO_ANSWER), 1);
}

START_TEST(without_an_answer_newcomers_are_refused_in_time)
{
	in_vain();
}
END_TEST

START_TEST(about_whom_callbacks_were_asked_before_waits_as_long)
{
	strcpy(x->app->on_connect, "http://localhost/");
	in_vain();
}
END_TEST

START_TEST(a_server_that_says_nothing_is_given_up)
{
	struct client *c = client_at(0, NULL);
	ck_assert_ptr_nonnull(dialled()); /* it hears connect */
	world_wait(x, 10000);
	ck_assert(is_out(c));
	ck_assert_uint_eq(heard(c, "_error", 0), 1);
}
END_TEST

START_TEST(who_was_known_before_the_break_trusts)
{
	struct client *c = client_at(0, NULL), *s = tree_above(), *d;
	server_accepts(s, 1, 1, false, true);
	go(s);
	ck_assert(is_in(c));
	client_end(s, 0);
	world_run(x);
	/* the server has said that it need not be asked */
	d = client_at(0, NULL);
	while (server_missing(x, 0))
		world_wait(x, 100);
	world_wait(x, 3000);
	ck_assert(is_in(d));
	s = tree_above();
	ck_assert_uint_ge(s->ncmd, 3);
}
END_TEST

/* Two ways ----------------------------------------------------------------------- */

static uint64_t
port_of(struct client *s)
{
	const char *colon = strrchr(client_conn(s)->row->addr, ':');
	return colon != NULL ? strtoull(colon + 1, NULL, 10) : 0;
}

START_TEST(where_the_first_does_not_answer_the_second_is_asked)
{
	edges_two_ways();
	struct client *c = client_at(0, NULL);
	ck_assert(server_missing(x, 0));
	world_run(x);
	struct client *s = tree_above();
	ck_assert_uint_eq(port_of(s), 1936);
	server_accepts(s, told_of(s), 1, false, false);
	go(s);
	ck_assert(is_in(c));
}
END_TEST

START_TEST(who_is_in_is_announced_at_the_other_way)
{
	edges_two_ways();
	struct client *c, *s = first_in(&c);
	struct client *e = edge(0);
	edge_connect(e, 1, NULL);
	go(e);
	ck_assert_uint_eq(port_of(s), 1935);
	client_end(s, -ECONNRESET);
	world_run(x);
	struct client *t = tree_above();
	ck_assert_uint_eq(port_of(t), 1936);
	ck_assert_uint_eq(heard(t, "connect", 1) + heard(t, "connect", 2), 2);
	/* this one lets neither of them in */
	server_refuses(t, 1, 1);
	server_refuses(t, 2, 1);
	go(t);
	ck_assert(is_out(c));
	ck_assert_uint_eq(heard(e, "_error", 1), 1);
	ck_assert_uint_eq(virtuals(0), 0);
}
END_TEST

START_TEST(where_no_way_answers_newcomers_are_refused_and_others_stay)
{
	edges_two_ways();
	struct client *c, *s = first_in(&c), *d = client_at(0, NULL);
	client_end(s, -ECONNRESET);
	world_run(x);
	for (unsigned i = 0; i < 80 && !is_out(d); i++) {
		(void)server_missing(x, 0);
		world_wait(x, 100);
	}
	ck_assert(is_out(d));
	ck_assert(is_in(c));
	/* and is announced when one is there again */
	s = tree_above();
	server_accepts(s, told_of(s), 1, false, false);
	edge_call(c, 0, "hello", 9);
	go(s);
	go(c);
	ck_assert_uint_eq(heard(s, "hello", told_of(s)), 1);
}
END_TEST

/* Other makes of server -------------------------------------------------------- */

START_TEST(a_server_of_another_make_judges_nobody)
{
	struct client *c = client_at(0, NULL), *s = other_above();
	ck_assert(is_in(c));
	world_wait(x, 100);
	ck_assert(is_out(s));
	ck_assert(is_in(client_at(0, NULL)));
	edge_call(c, 0, "hello", 7);
	go(c);
	ck_assert_uint_eq(heard(c, "_error", 0), 1);
}
END_TEST

START_TEST(one_that_refuses_to_carry_clients_is_such_a_server)
{
	struct client *c = client_at(0, NULL), *s = dialled();
	server_refuses(s, 0, 1);
	go(s);
	ck_assert(is_in(c));
}
END_TEST

/* ClientCheck origin: the first connection has only found out. */
static struct client *
alone(struct client **c)
{
	conf_vhost(x->conf, 0)->client_check = CONF_CHECK_ORIGIN;
	*c = client_at(0, NULL);
	(void)other_above();
	ck_assert_uint_eq((*c)->ncmd, 0);
	return dialled();
}

START_TEST(it_judges_each_client_on_a_connection_of_its_own)
{
	struct client *c, *s = alone(&c);
	struct cmd cmd;
	struct cmd_connect cc;
	ck_assert_ptr_nonnull(last(s, "connect", &cmd));
	ck_assert_int_eq(cmd_parse_connect(&cmd, &cc), AMF0_OK);
	ck_assert(cc.tree == 0 && cc.client.len == 0);
	ck_assert(span_is(cc.flash_ver, "FMLE/3.0"));
	server_accepts(s, 0, 1, false, false);
	go(s);
	ck_assert(is_in(c));
	edge_call(c, 0, "hello", 7);
	go(c);
	ck_assert_uint_eq(heard(s, "hello", 0), 1);
	server_returns(s, 0, "_result", 7);
	go(s);
	ck_assert_uint_eq(heard(c, "_result", 0), 2);
	leave(c);
	world_wait(x, 3000);
	ck_assert(is_out(s));
}
END_TEST

START_TEST(alone_refused_with_the_words_of_the_server)
{
	struct client *c, *s = alone(&c);
	struct cmd cmd;
	struct cmd_reply r;
	server_refuses(s, 0, 1);
	go(s);
	ck_assert_ptr_nonnull(last(c, "_error", &cmd));
	ck_assert_int_eq(cmd_parse_reply(&cmd, &r), AMF0_OK);
	ck_assert(span_is(r.description, "the server above says no"));
	ck_assert(is_out(c));
}
END_TEST

START_TEST(alone_lost_before_the_answer_it_is_asked_again)
{
	struct client *c, *s = alone(&c);
	client_end(s, -ECONNRESET);
	world_run(x);
	ck_assert(!is_out(c));
	s = dialled();
	ck_assert_uint_eq(heard(s, "connect", 0), 1);
	server_accepts(s, 0, 1, false, false);
	go(s);
	ck_assert(is_in(c));
}
END_TEST

START_TEST(alone_without_an_answer_it_is_refused_in_time)
{
	struct client *c, *s = alone(&c);
	unsigned dials = 1;
	client_end(s, -ECONNRESET);
	world_run(x);
	for (unsigned i = 0; i < 60 && !is_out(c); i++) {
		dials += server_missing(x, 0);
		world_wait(x, 100);
	}
	ck_assert(is_out(c));
	ck_assert_uint_eq(heard(c, "_error", 0), 1);
	/* a server that refuses connections is not pestered */
	ck_assert_uint_le(dials, 16);
}
END_TEST

START_TEST(alone_closed_by_the_server)
{
	struct client *c, *s = alone(&c);
	server_accepts(s, 0, 1, false, false);
	server_closes(s, 0);
	go(s);
	ck_assert(is_out(c));
}
END_TEST

START_TEST(alone_lost_while_in_it_connects_again)
{
	struct client *c, *s = alone(&c);
	server_accepts(s, 0, 1, false, false);
	edge_call(c, 0, "hello", 7);
	go(s);
	go(c);
	client_end(s, 0);
	world_run(x);
	ck_assert_uint_eq(heard(c, "_error", 0), 1);
	s = dialled();
	server_accepts(s, 0, 1, false, false);
	go(s);
	ck_assert(is_in(c));
	/* and is refused the next time */
	client_end(s, 0);
	world_run(x);
	s = dialled();
	server_refuses(s, 0, 1);
	go(s);
	ck_assert(is_out(c));
}
END_TEST

/* An edge in the middle -------------------------------------------------------- */

START_TEST(clients_of_edges_below_go_on_up)
{
	struct client *e = edge(0);
	edge_connect(e, 5, &(struct edge_client){ .txn = 3 });
	go(e);
	struct client *s = tree_above();
	struct cmd cmd;
	struct cmd_connect cc;
	ck_assert_ptr_nonnull(last(s, "connect", &cmd));
	ck_assert_int_eq(cmd_parse_connect(&cmd, &cc), AMF0_OK);
	ck_assert(span_is(cc.client, "198.51.100.1:4711"));
	ck_assert(cc.hops == 1 && cc.via.len > 0);
	server_accepts(s, 1, 3, false, false);
	go(s);
	ck_assert_uint_eq(heard(e, "_result", 5), 1);
	edge_call(e, 5, "hello", 9);
	go(e);
	ck_assert_uint_eq(heard(s, "hello", 1), 1);
	server_returns(s, 1, "_result", 9);
	go(s);
	ck_assert_uint_eq(heard(e, "_result", 5), 2);
	edge_gone(e, 5);
	go(e);
	ck_assert_uint_eq(heard(s, "sluiceGone", 0), 1);
	ck_assert_uint_eq(virtuals(0), 0);
}
END_TEST

START_TEST(an_edge_below_that_dies_takes_its_clients_with_it)
{
	struct client *e = edge(0), *f = edge(0);
	for (uint32_t i = 1; i <= 10; i++)
		edge_connect(i % 2 == 0 ? e : f, i, NULL);
	go(e);
	go(f);
	struct client *s = tree_above();
	/* half of them are in, the others are asked about */
	for (uint32_t i = 1; i <= 5; i++)
		server_accepts(s, i, 1, false, false);
	go(s);
	client_end(e, -ECONNRESET);
	world_run(x);
	ck_assert_uint_eq(virtuals(0), 5);
	ck_assert_uint_eq(heard(s, "sluiceGone", 0), 5);
	for (uint32_t i = 1; i <= 10; i++) {
		server_accepts(s, i, 1, false, false);
		server_closes(s, i);
	}
	go(s);
	ck_assert_uint_eq(virtuals(0), 0);
	ck_assert_ptr_nonnull(client_conn(f));
}
END_TEST

START_TEST(both_sides_may_die_at_once)
{
	struct client *e = edge(0);
	for (uint32_t i = 1; i <= 10; i++)
		edge_connect(e, i, NULL);
	go(e);
	struct client *s = tree_above();
	for (uint32_t i = 1; i <= 5; i++)
		server_accepts(s, i, 1, false, false);
	go(s);
	client_end(s, -ECONNRESET);
	client_end(e, -ECONNRESET);
	world_run(x);
	ck_assert_uint_eq(virtuals(0), 0);
	/* and the other way round, the path coming back in between */
	e = edge(0);
	edge_connect(e, 1, NULL);
	go(e);
	s = tree_above();
	client_end(e, -ECONNRESET);
	client_end(s, -ECONNRESET);
	world_run(x);
	ck_assert_uint_eq(virtuals(0), 0);
}
END_TEST

/* Addresses in two halves ------------------------------------------------------ */

/* A client of which the rest of the address comes with a stream: it is asked about then. */
static struct client *
in_halves(void)
{
	const struct cmd_connect k = { .txn = 1,
		.app = span_of("?rtmp:/"),
		.tc_url = span_of("rtmp://localhost:1935/?rtmp:/") };
	uint8_t buf[1024];
	struct writer wr;
	struct client *c = client_open(x, 0);
	ck_assert_ptr_nonnull(c);
	c->listens = true;
	client_shake(c);
	writer_init(&wr, buf, sizeof buf);
	cmd_write_connect(&wr, c->chunk, &k);
	client_put(c, buf, wr.len);
	client_set_chunk(c, 65536);
	client_call(c, CMD_CREATE_STREAM, 0);
	go(c);
	ck_assert_uint_eq(heard(c, "_result", 0), 2);
	client_play(c, 1, "origin.example/live/a");
	/* comes after it, and waits, too */
	client_call_name(c, CMD_GET_STREAM_LENGTH, "a");
	go(c);
	ck_assert(client_conn(c)->paused);
	return c;
}

START_TEST(a_command_waits_for_the_answer)
{
	struct client *c = in_halves(), *s = tree_above();
	ck_assert_uint_eq(heard(c, "onStatus", 1), 0);
	server_accepts(s, told_of(s), 1, false, false);
	go(s);
	ck_assert(client_was_told(c, "NetStream.Play.Start"));
	/* nothing of connect again; the length */
	ck_assert_uint_eq(heard(c, "_result", 0), 3);
}
END_TEST

START_TEST(a_command_waits_in_vain)
{
	struct client *c = in_halves(), *s = tree_above();
	server_refuses(s, told_of(s), 1);
	go(s);
	ck_assert_uint_eq(heard(c, "onStatus", 0), 1);
	ck_assert(!client_was_told(c, "NetStream.Play.Start"));
	ck_assert(is_out(c));
}
END_TEST

START_TEST(a_command_that_waits_ends_with_its_client)
{
	struct client *c = in_halves(), *s = tree_above();
	uint32_t msid = told_of(s);
	/* at once: it is accepted, and gone before it has heard so */
	client_end(c, -ECONNRESET);
	server_accepts(s, msid, 1, false, false);
	go(s);
	ck_assert_ptr_null(client_conn(c));
	c = in_halves();
	client_end(c, -ECONNRESET);
	world_run(x);
	server_accepts(s, msid + 1, 1, false, false);
	go(s);
	ck_assert_ptr_nonnull(client_conn(s));
	ck_assert_uint_eq(heard(s, "sluiceGone", 0), 2);
}
END_TEST

/* Flow ------------------------------------------------------------------------- */

enum { BIG = 8000 };

/* A call of so many bytes. */
static void
big_call(struct client *c, uint32_t msid, double txn)
{
	char name[BIG + 1];
	memset(name, 'n', BIG);
	name[BIG] = '\0';
	edge_call(c, msid, name, txn);
}

/* Bytes that wait to be sent to s. */
static uint32_t
waiting(struct client *s)
{
	const struct conn *c = client_conn(s);
	return c->out.len - c->out.off;
}

/* c calls, on msid, until just so much waits for s that one call more is too much. */
static void
fill(struct client *c, uint32_t msid, struct client *s)
{
	while (waiting(s) + BIG + 200 < 256 * 1024) {
		big_call(c, msid, 0);
		go(c);
		ck_assert(!client_conn(c)->paused);
	}
}

START_TEST(who_says_too_much_is_not_read_until_it_has_gone_up)
{
	struct client *c, *s = first_in(&c);
	client_window(s, 0);
	fill(c, 0, s);
	for (unsigned i = 0; i < 3; i++)
		big_call(c, 0, 0);
	go(c);
	ck_assert(client_conn(c)->paused);
	world_wait(x, 500);
	ck_assert(client_conn(c)->paused);
	client_window(s, SIZE_MAX);
	world_wait(x, 500);
	go(c);
	ck_assert(!client_conn(c)->paused);
	ck_assert_uint_ge(s->ncmd, 30);
}
END_TEST

START_TEST(held_and_the_path_breaks_it_is_read_again)
{
	struct client *c, *s = first_in(&c);
	client_window(s, 0);
	fill(c, 0, s);
	big_call(c, 0, 0);
	big_call(c, 0, 0);
	go(c);
	ck_assert(client_conn(c)->paused);
	client_end(s, -ECONNRESET);
	client_window(s, 1);
	world_run(x);
	ck_assert(!client_conn(c)->paused);
}
END_TEST

/*
 * Two clients of an edge below, each with its own connection: that of the first.
 * known: that the server is of another make
 */
static struct client *
two_alone(struct client *e, struct client **second, bool known)
{
	conf_vhost(x->conf, 0)->client_check = CONF_CHECK_ORIGIN;
	edge_connect(e, 1, NULL);
	edge_connect(e, 2, NULL);
	go(e);
	if (!known)
		(void)other_above();
	struct client *a = dialled(), *b = dialled();
	server_accepts(a, 0, 1, false, false);
	server_accepts(b, 0, 1, false, false);
	go(a);
	go(b);
	ck_assert_uint_eq(heard(e, "_result", 1), 1);
	ck_assert_uint_eq(heard(e, "_result", 2), 1);
	/* which is whose? */
	edge_call(e, 1, "hello", 0);
	go(e);
	bool first = heard(a, "hello", 0) == 1;
	*second = first ? b : a;
	return first ? a : b;
}

START_TEST(held_by_a_client_that_is_closed_the_edge_is_read_again)
{
	struct client *e = edge(0), *b, *a = two_alone(e, &b, false);
	client_window(a, 0);
	fill(e, 1, a);
	big_call(e, 1, 0);
	big_call(e, 1, 0);
	go(e);
	ck_assert(client_conn(e)->paused);
	server_closes(a, 0);
	go(a);
	ck_assert(!client_conn(e)->paused);
	ck_assert_uint_eq(virtuals(0), 1);
}
END_TEST

START_TEST(held_by_a_client_whose_path_breaks_the_edge_is_read_again)
{
	struct client *e = edge(0), *b, *a = two_alone(e, &b, false);
	client_window(a, 0);
	fill(e, 1, a);
	big_call(e, 1, 0);
	big_call(e, 1, 0);
	go(e);
	ck_assert(client_conn(e)->paused);
	client_end(a, -ECONNRESET);
	client_window(a, 1);
	world_run(x);
	ck_assert(!client_conn(e)->paused);
	ck_assert_uint_eq(virtuals(0), 2);
}
END_TEST

/* What is read then may be the end of any other client. */
START_TEST(an_edge_read_again_says_that_another_client_has_gone)
{
	for (unsigned order = 0; order < 4; order++) {
		struct client *e = edge(0), *b,
			      *a = two_alone(e, &b, order > 0);
		uint32_t stays = 1 + order % 2;
		struct client *s = stays == 1 ? a : b;
		client_window(s, 0);
		fill(e, stays, s);
		big_call(e, stays, 0);
		edge_gone(e, 3 - stays);
		go(e);
		ck_assert(client_conn(e)->paused);
		ck_assert_uint_eq(virtuals(0), 2);
		client_window(s, SIZE_MAX);
		world_wait(x, 500);
		ck_assert(!client_conn(e)->paused);
		ck_assert_uint_eq(virtuals(0), 1);
		leave(e);
		world_wait(x, 5000);
	}
}
END_TEST

START_TEST(the_connection_of_all_is_not_lost_by_what_many_say_at_once)
{
	struct client *c, *s = first_in(&c);
	client_window(s, 0);
	for (unsigned i = 0; i < (5 << 20) / BIG; i++) {
		big_call(c, 0, 0);
		go(c);
		/* as if it were another one */
		conn_resume(&x->w[0], client_conn(c));
	}
	ck_assert_ptr_nonnull(client_conn(s));
	big_call(c, 0, 7);
	go(c);
	ck_assert_uint_eq(heard(c, "_error", 0), 1);
	client_window(s, SIZE_MAX);
	world_wait(x, 500);
	edge_call(c, 0, "hello", 8);
	go(c);
	ck_assert_uint_eq(heard(s, "hello", 1), 1);
}
END_TEST

/* Growth ----------------------------------------------------------------------- */

/* A client whose connect has an argument of n bytes. */
static struct client *
client_saying(size_t n)
{
	static uint8_t buf[1 << 17], args[1 << 16];
	struct cmd_connect k = { .txn = 1,
		.app = span_of("live"),
		.tc_url = span_of("rtmp://localhost/live") };
	struct writer wr;
	struct client *c = client_open(x, 0);
	ck_assert_ptr_nonnull(c);
	c->listens = true;
	writer_init(&wr, args, sizeof args);
	amf0_write_string(&wr, (struct span){ (const char *)buf, n });
	reader_init(&k.args, args, wr.len);
	client_shake(c);
	client_set_chunk(c, 65536);
	writer_init(&wr, buf, sizeof buf);
	memset(buf, 0, sizeof buf);
	cmd_write_connect(&wr, c->chunk, &k);
	ck_assert(writer_ok(&wr));
	client_put(c, buf, wr.len);
	go(c);
	return c;
}

START_TEST(a_connect_that_is_too_long_for_the_server_above_ends_nobody_else)
{
	struct client *c, *s = first_in(&c);
	for (size_t n = 65536 - 700; n < 65536; n += 5) {
		struct client *d = client_saying(n);
		ck_assert_ptr_nonnull(client_conn(s));
		if (!is_out(d)) {
			/* it was sent: such that it is taken there */
			struct cmd cmd;
			ck_assert_uint_le(
			    last(s, "connect", &cmd)->len, SESSION_COMMAND_MAX);
		}
		deaf(s);
		client_end(d, -ECONNRESET);
		world_run(x);
	}
	struct client *d = client_saying(65536 - 120);
	ck_assert(is_out(d));
	ck_assert(is_in(c));
}
END_TEST

/* A client that has named the server itself. */
static struct client *
client_naming(unsigned i)
{
	char app[80], url[100];
	uint8_t buf[1024];
	struct writer wr;
	snprintf(app, sizeof app, "?rtmp://8.8.8.%u/live", i);
	snprintf(url, sizeof url, "rtmp://localhost/%s", app);
	const struct cmd_connect k = {
		.txn = 1, .app = span_of(app), .tc_url = span_of(url)
	};
	struct client *c = client_open(x, 0);
	ck_assert_ptr_nonnull(c);
	c->listens = true;
	client_shake(c);
	writer_init(&wr, buf, sizeof buf);
	cmd_write_connect(&wr, c->chunk, &k);
	client_put(c, buf, wr.len);
	go(c);
	ck_assert_uint_eq(c->ncmd, 0);
	return c;
}

START_TEST(servers_that_clients_name_are_left_when_they_leave)
{
	struct conf_vhost *v = conf_vhost(x->conf, 0);
	struct addr a;
	v->anonymous = false;
	v->nroutes = 0;
	ck_assert_int_eq(addr_parse("8.8.8.8", 7, &a), 0);
	for (unsigned i = 1; i <= 20; i++) {
		struct client *c = client_naming(i);
		ck_assert(fakenet_resolve(&x->w[0], &a, NULL));
		struct client *s = server_open(x, 0);
		/* there is room for it among those that were dialled */
		ck_assert_ptr_nonnull(s);
		s->listens = true;
		go(s);
		server_accepts(s, 0, 1, true, false);
		go(s);
		ck_assert_uint_eq(heard(s, "connect", 1), 1);
		client_end(c, -ECONNRESET);
		world_wait(x, 3000);
		ck_assert(is_out(s));
		client_end(s, 0);
		world_wait(x, 100);
		ck_assert_ptr_null(client_conn(s));
	}
}
END_TEST

static void
add_flow(TCase *t)
{
	tcase_add_test(t, a_command_waits_for_the_answer);
	tcase_add_test(t, a_command_waits_in_vain);
	tcase_add_test(t, a_command_that_waits_ends_with_its_client);
	tcase_add_test(
	    t, the_connection_of_all_is_not_lost_by_what_many_say_at_once);
	tcase_add_test(t,
	    a_connect_that_is_too_long_for_the_server_above_ends_nobody_else);
	tcase_add_test(t, who_says_too_much_is_not_read_until_it_has_gone_up);
	tcase_add_test(t, held_and_the_path_breaks_it_is_read_again);
	tcase_add_test(
	    t, held_by_a_client_that_is_closed_the_edge_is_read_again);
	tcase_add_test(
	    t, held_by_a_client_whose_path_breaks_the_edge_is_read_again);
	tcase_add_test(t, an_edge_read_again_says_that_another_client_has_gone);
	tcase_add_test(t, servers_that_clients_name_are_left_when_they_leave);
}

static void
add_alone(TCase *t)
{
	tcase_add_test(t, where_the_first_does_not_answer_the_second_is_asked);
	tcase_add_test(t, who_is_in_is_announced_at_the_other_way);
	tcase_add_test(
	    t, where_no_way_answers_newcomers_are_refused_and_others_stay);
	tcase_add_test(t, a_server_of_another_make_judges_nobody);
	tcase_add_test(t, one_that_refuses_to_carry_clients_is_such_a_server);
	tcase_add_test(t, it_judges_each_client_on_a_connection_of_its_own);
	tcase_add_test(t, alone_refused_with_the_words_of_the_server);
	tcase_add_test(t, alone_lost_before_the_answer_it_is_asked_again);
	tcase_add_test(t, alone_without_an_answer_it_is_refused_in_time);
	tcase_add_test(t, alone_closed_by_the_server);
	tcase_add_test(t, alone_lost_while_in_it_connects_again);
	tcase_add_test(t, clients_of_edges_below_go_on_up);
	tcase_add_test(t, an_edge_below_that_dies_takes_its_clients_with_it);
	tcase_add_test(t, both_sides_may_die_at_once);
}

int
main(void)
{
	Suite *s = suite_create("uplink");
	TCase *t = tcase_create("uplink");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, begin_edge, end);
	suite_add_tcase(s, t);
	tcase_add_test(t, a_client_waits_until_the_server_above_lets_it_in);
	tcase_add_test(
	    t, a_client_that_is_refused_hears_the_words_of_the_server);
	tcase_add_test(t, who_need_not_be_asked_about_is_let_in_at_once);
	tcase_add_test(t, an_error_that_comes_late_ends_who_was_in);
	tcase_add_test(t, close_ends_one_client_asked_or_in);
	tcase_add_test(t, what_is_said_of_nobody_is_ignored);
	tcase_add_test(
	    t, a_client_that_goes_while_it_is_asked_about_is_forgotten);
	tcase_add_test(t, calls_go_up_and_answers_come_back);
	tcase_add_test(t, calls_that_were_answered_do_not_count);
	tcase_add_test(t, more_calls_than_may_wait_are_answered_by_the_edge);
	tcase_add_test(
	    t, a_call_of_a_client_that_is_still_asked_about_is_answered);
	tcase_add_test(t, who_was_judged_may_stay_for_its_calls_alone);
	tcase_add_test(t, lost_while_asked_it_is_asked_again);
	tcase_add_test(t, lost_while_in_calls_fail_and_it_stays);
	tcase_add_test(t, who_is_refused_after_a_break_is_disconnected);
	tcase_add_test(t, without_an_answer_newcomers_are_refused_in_time);
	tcase_add_test(t, about_whom_callbacks_were_asked_before_waits_as_long);
	tcase_add_test(t, a_server_that_says_nothing_is_given_up);
	tcase_add_test(t, who_was_known_before_the_break_trusts);
	add_alone(t);
	add_flow(t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
