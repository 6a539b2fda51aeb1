/*
 * check_viewers - players that wait, join and are slow, in whole sessions over
 * a fake loop (t/unit/guests.h).  What is asserted is what sluice.conf(5) says.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "master/pulls.h"
#include "rtmp/wire.h"
#include "shm/seats.h"
#include "t/unit/guests.h"

/* Waiting ------------------------------------------------------------------ */

static unsigned
told(const struct client *c, const char *code)
{
	unsigned n = 0;
	for (unsigned i = 0; i < c->nstatus && i < WORLD_STATUSES; i++)
		n += strcmp(c->status[i], code) == 0;
	return n;
}

/* Names that are waited for. */
static uint32_t
seats(void)
{
	return seats_used(&x->w[0].arena, &x->conf->seats[SEAT_WAITING]);
}

START_TEST(who_waits_too_long_is_told_and_may_play_again)
{
	x->app->wait_ms = 60000;
	x->app->command_ms = 30000;
	struct client *c = player(0, "nobody", 1);
	world_wait(x, 59000);
	ck_assert(!client_was_told(c, "NetStream.Play.Failed"));
	world_wait(x, 1500);
	ck_assert_uint_eq(told(c, "NetStream.Play.Failed"), 1);
	ck_assert_uint_eq(counter(0, COUNTER_PLAYS_FAILED), 1);
	/* nothing is left of it, and the same NetStream may wait again */
	ck_assert_uint_eq(x->w[0].players->n, 0);
	ck_assert_uint_eq(seats(), 0);
	client_play(c, 1, "a");
	go(c);
	ck_assert_uint_eq(told(c, "NetStream.Play.Start"), 2);
	live(1, "a");
	ck_assert_uint_eq(c->ngot, 4);
}
END_TEST

START_TEST(after_a_wait_in_vain_the_command_timeout_runs)
{
	x->app->wait_ms = 2000;
	x->app->command_ms = 5000;
	struct client *c = player(0, "nobody", 1);
	world_wait(x, 6000);
	ck_assert(client_was_told(c, "NetStream.Play.Failed"));
	ck_assert_ptr_nonnull(client_conn(c));
	world_wait(x, 3000);
	ck_assert_ptr_null(client_conn(c));
}
END_TEST

START_TEST(each_waits_from_its_own_beginning)
{
	x->app->wait_ms = 10000;
	struct client *a = player(0, "nobody", 1);
	world_wait(x, 4000);
	struct client *b = player(0, "nobody", 1);
	world_wait(x, 6500);
	ck_assert(client_was_told(a, "NetStream.Play.Failed"));
	ck_assert(!client_was_told(b, "NetStream.Play.Failed"));
	world_wait(x, 4000);
	ck_assert(client_was_told(b, "NetStream.Play.Failed"));
}
END_TEST

START_TEST(a_viewer_waits_from_the_end_of_what_it_saw)
{
	x->app->wait_ms = 20000;
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	world_wait(x, 30000);
	leave(p);
	world_wait(x, 19500);
	ck_assert(client_was_told(c, "NetStream.Play.UnpublishNotify"));
	ck_assert(!client_was_told(c, "NetStream.Play.Failed"));
	world_wait(x, 2500);
	ck_assert(client_was_told(c, "NetStream.Play.Failed"));
}
END_TEST

START_TEST(without_a_time_limit_a_player_waits_on)
{
	x->app->wait_ms = 0;
	struct client *c = player(0, "a", 1);
	world_wait(x, 700000);
	ck_assert(!client_was_told(c, "NetStream.Play.Failed"));
	live(0, "a");
	ck_assert_uint_eq(c->ngot, 4);
}
END_TEST

START_TEST(names_beyond_the_limit_are_refused_live_ones_are_not)
{
	x->conf->seats[SEAT_WAITING].count = 3;
	struct client *p = live(1, "a"), *c = guest(0, 6);
	static const char *const name[] = { "n1", "n2", "n3", "n4", "n1", "a" };
	for (unsigned i = 0; i < 6; i++)
		client_play(c, i + 1, name[i]);
	go(c);
	/* n4 is one too many; n1 is waited for already */
	ck_assert_uint_eq(told(c, "NetStream.Play.Start"), 5);
	ck_assert_uint_eq(told(c, "NetStream.Play.Failed"), 1);
	ck_assert_uint_eq(c->ngot, 4);
	ck_assert_uint_eq(seats(), 3);
	/* one less: room again */
	client_delete(c, 2);
	client_play(c, 4, "n4");
	go(c);
	ck_assert_uint_eq(told(c, "NetStream.Play.Start"), 6);
	/* who has seen a stream may wait for its return */
	leave(p);
	world_wait(x, 1500);
	ck_assert_uint_eq(seats(), 3);
	ck_assert_uint_eq(told(c, "NetStream.Play.Failed"), 1);
	p = live(1, "a");
	ck_assert_uint_gt(c->ngot, 4);
}
END_TEST

/* Names of one address, in one worker: the third is one too many. */
START_TEST(an_address_waits_for_so_many_names)
{
	x->conf->max_waiting_addr = 2;
	struct client *a = player(0, "n1", 1), *b = player(0, "n2", 1);
	struct client *c = guest(0, 1);
	client_play(c, 1, "n3");
	go(c);
	ck_assert_uint_eq(told(c, "NetStream.Play.Failed"), 1);
	ck_assert_uint_eq(seats(), 2);
	/* a name that waits already costs nothing */
	client_play(c, 1, "n2");
	go(c);
	ck_assert_uint_eq(told(c, "NetStream.Play.Start"), 1);
	/* one name less: room again */
	leave(a);
	struct client *d = player(0, "n4", 1);
	leave(b);
	leave(c);
	leave(d);
	for (unsigned i = 0; i < WAITERS_BUCKETS; i++)
		ck_assert(LIST_EMPTY(&x->w[0].players->waiters[i]));
}
END_TEST

/* Names of an edge --------------------------------------------------------- */

static void
remote(void)
{
	conf_vhost(x->conf, 0)->mode = CONF_MODE_REMOTE;
	conf_vhost(x->conf, 0)->anonymous = true;
}

/* Its worker finds that the one name that is pulled cannot be had. */
static void
refuse(void)
{
	uint32_t place = 0;
	const struct pull *p = pulls_next(x->master.pulls, &place);
	struct ipc_msg m = { .kind = IPC_PULLED };
	ck_assert_ptr_nonnull(p);
	m.u.pulled.id = p->id;
	m.u.pulled.state = PULL_REFUSED;
	m.u.pulled.reason = REASON_LOOP;
	strcpy(m.u.pulled.error, "it comes back to us");
	ck_assert_int_eq(pulls_message(&x->master, (unsigned)p->slot, &m), 0);
}

START_TEST(players_of_a_name_that_cannot_be_had_are_told_why)
{
	remote();
	struct client *a = player(0, "a", 1), *b = player(1, "a", 1);
	ck_assert_uint_eq(pulls_count(x->master.pulls), 1);
	refuse();
	world_run(x);
	ck_assert_uint_eq(told(a, "NetStream.Play.Failed"), 1);
	ck_assert_uint_eq(told(b, "NetStream.Play.Failed"), 1);
	ck_assert_uint_eq(pulls_count(x->master.pulls), 0);
	/* and may ask again */
	client_play(a, 1, "a");
	go(a);
	ck_assert_uint_eq(pulls_count(x->master.pulls), 1);
}
END_TEST

START_TEST(a_player_who_comes_while_the_name_is_refused_leaves_no_want)
{
	remote();
	struct client *a = player(0, "a", 1);
	x->hold = true;
	refuse();
	leave(a);
	struct client *b = player(0, "a", 1);
	x->hold = false;
	world_run(x);
	ck_assert_uint_eq(told(b, "NetStream.Play.Failed"), 1);
	world_wait(x, 11000);
	/* else it would be pulled for ever, for nobody */
	ck_assert_uint_eq(pulls_count(x->master.pulls), 0);
}
END_TEST

START_TEST(a_client_that_plays_20000_names_costs_what_one_does)
{
	char name[32];
	struct client *c = guest(0, 1);
	size_t most = 0;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "x%u", i * 2654435761u);
		client_play(c, 1, name);
		if (i % 50 == 0)
			go(c);
		if (x->w[0].pool.lent > most)
			most = x->w[0].pool.lent;
	}
	go(c);
	ck_assert_uint_eq(seats(), 1);
	ck_assert_uint_eq(counter(0, COUNTER_PLAYS), 20000);
	ck_assert_uint_lt(most, 256 * 1024);
}
END_TEST

/* Joining ------------------------------------------------------------------ */

START_TEST(a_keyframe_too_many_bytes_ago_is_no_start)
{
	x->app->join_bytes = 50000;
	struct client *p = live(0, "a");
	frame(p, INTER, 40, 40000);
	struct client *near = player(1, "a", 1);
	ck_assert_uint_eq(near->ngot, 5);
	frame(p, INTER, 80, 10000);
	struct client *far = player(1, "a", 1);
	ck_assert_uint_eq(far->ngot, 0);
	frame(p, KEY, 120, 10);
	ck_assert_uint_eq(far->ngot, 4);
	ck_assert_uint_eq(near->ngot, 7);
}
END_TEST

START_TEST(zero_bytes_or_zero_time_wait_for_the_next_keyframe)
{
	struct client *p = live(0, "a"), *c[2];
	for (unsigned i = 0; i < 2; i++) {
		x->app->join_bytes = i == 0 ? 0 : 50 << 20;
		x->app->join_ms = i == 0 ? 15000 : 0;
		c[i] = player(1, "a", 1);
		ck_assert_uint_eq(c[i]->ngot, 0);
	}
	frame(p, INTER, 40, 100);
	ck_assert_uint_eq(c[0]->ngot + c[1]->ngot, 0);
	frame(p, KEY, 80, 100);
	ck_assert_uint_eq(c[0]->ngot, 4);
	ck_assert_uint_eq(c[1]->ngot, 4);
}
END_TEST

/* Slow --------------------------------------------------------------------- */

/* 25 pictures a second, a keyframe every two seconds, and audio. */
static void
stream(struct client *p, uint32_t *ts, unsigned ms, size_t n)
{
	for (unsigned i = 0; i < ms / 40; i++, *ts += 40) {
		world_clock(x, 40);
		client_frame(
		    p, *ts % 2000 == 0 ? KEY : INTER, 1, *ts, n, ++seed);
		client_frame(p, AUDIO, 1, *ts, 50, ++seed);
		client_deliver(p, SIZE_MAX, 0);
		world_run(x);
	}
}

static unsigned
count_type(const struct client *c, size_t from, uint8_t type)
{
	unsigned n = 0;
	for (size_t i = from; i < c->ngot; i++)
		n += c->got[i].type == type;
	return n;
}

static bool
is_key(const struct model_msg *m)
{
	return m->type == WIRE_VIDEO && m->len > 1 && m->data[0] == 0x17;
}

START_TEST(skip_goes_on_at_a_newer_keyframe)
{
	x->app->max_lag_ms = 3000;
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	uint32_t ts = 40;
	client_window(c, 0);
	stream(p, &ts, 9000, 1000);
	size_t had = c->ngot;
	client_window(c, SIZE_MAX);
	world_run(x);
	stream(p, &ts, 400, 1000);
	ck_assert_uint_ge(counter(1, COUNTER_SKIPS), 1);
	ck_assert_uint_gt(c->ngot, had);
	ck_assert_ptr_nonnull(client_conn(c));
}
END_TEST

START_TEST(close_ends_the_connection)
{
	x->app->max_lag_ms = 3000;
	x->app->slow_policy = CONF_SLOW_CLOSE;
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	uint32_t ts = 40;
	client_window(c, 0);
	stream(p, &ts, 2000, 1000);
	client_window(c, SIZE_MAX);
	world_run(x);
	ck_assert_ptr_nonnull(client_conn(c));
	client_window(c, 0);
	stream(p, &ts, 9000, 1000);
	client_window(c, SIZE_MAX);
	world_run(x);
	ck_assert_ptr_null(client_conn(c));
	ck_assert_uint_eq(counter(1, COUNTER_REASONS + REASON_TOO_SLOW), 1);
	ck_assert_uint_eq(counter(1, COUNTER_SKIPS), 0);
}
END_TEST

START_TEST(audio_goes_on_and_video_comes_back_at_a_keyframe)
{
	x->app->max_lag_ms = 1500;
	x->app->slow_policy = CONF_SLOW_AUDIO;
	for (unsigned msid = 1; msid <= 2; msid++) {
		struct client *p = live(0, "a"), *c = player(1, "a", msid);
		uint32_t ts = 40;
		c->filters = true;
		client_window(c, 0);
		stream(p, &ts, 1800, 1000);
		size_t had = c->ngot;
		client_window(c, SIZE_MAX);
		world_run(x);
		stream(p, &ts, 1000, 1000);
		/* all of the audio, of before and since */
		ck_assert_uint_eq(count_type(c, had, WIRE_VIDEO), 0);
		ck_assert_uint_eq(count_type(c, had, WIRE_AUDIO), 70);
		had = c->ngot;
		stream(p, &ts, 3200, 1000);
		ck_assert_uint_gt(count_type(c, had, WIRE_VIDEO), 10);
		/* first the header, then a keyframe */
		for (size_t i = had, n = 0; i < c->ngot && n < 2; i++) {
			if (c->got[i].type != WIRE_VIDEO)
				continue;
			ck_assert(is_key(&c->got[i]));
			n++;
		}
		/* and once only */
		ck_assert_uint_eq(counter(1, COUNTER_SKIPS), msid);
		leave(c);
		leave(p);
		world_wait(x, 12000);
	}
}
END_TEST

START_TEST(the_kernel_is_asked_of_slow_players_only)
{
	x->app->max_lag_ms = 2000;
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	uint32_t ts = 40;
	c->has_tcp = true;
	stream(p, &ts, 1000, 1000);
	ck_assert_uint_eq(client_conn(c)->slow.since.ns, 0);
	/* it takes nothing, and its window is shut */
	client_window(c, 0);
	stream(p, &ts, 1600, 1000);
	ck_assert_uint_ne(client_conn(c)->slow.since.ns, 0);
	c->tcp = (struct tcp_sample){
		.busy_us = 1500000, .rwnd_us = 1400000, .notsent = 1000
	};
	world_wait(x, 400);
	struct cause_evidence e;
	ck_assert_uint_eq(
	    conn_cause(&x->w[1], client_conn(c), 0, &e), CAUSE_CLIENT);
	ck_assert_uint_eq(e.busy_ms, 1500);
	ck_assert_uint_eq(e.rwnd_ms, 1400);
	ck_assert_uint_ge(e.span_ms, 500);
	/* caught up: what comes later begins anew */
	client_window(c, SIZE_MAX);
	world_run(x);
	stream(p, &ts, 400, 1000);
	ck_assert_uint_eq(client_conn(c)->slow.since.ns, 0);
}
END_TEST

START_TEST(a_worker_that_stood_still_is_the_cause)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	uint32_t ts = 40;
	struct cause_evidence e;
	c->has_tcp = true;
	c->tcp = (struct tcp_sample){ .snd_wnd = 100000 };
	stream(p, &ts, 400, 1000);
	struct mono then = x->now;
	world_clock(x, 6000);
	x->w[1].now = x->now;
	late_note(&x->w[1].late, then, x->now);
	ck_assert_uint_eq(
	    conn_cause(&x->w[1], client_conn(c), 6000, &e), CAUSE_SERVER);
	ck_assert_uint_eq(e.server_ms, 6000);
}
END_TEST

static void
add_all(TCase *t)
{
	tcase_add_test(t, who_waits_too_long_is_told_and_may_play_again);
	tcase_add_test(t, after_a_wait_in_vain_the_command_timeout_runs);
	tcase_add_test(t, each_waits_from_its_own_beginning);
	tcase_add_test(t, a_viewer_waits_from_the_end_of_what_it_saw);
	tcase_add_test(t, without_a_time_limit_a_player_waits_on);
	tcase_add_test(t, names_beyond_the_limit_are_refused_live_ones_are_not);
	tcase_add_test(t, an_address_waits_for_so_many_names);
	tcase_add_test(t, players_of_a_name_that_cannot_be_had_are_told_why);
	tcase_add_test(
	    t, a_player_who_comes_while_the_name_is_refused_leaves_no_want);
	tcase_add_test(t, a_client_that_plays_20000_names_costs_what_one_does);
	tcase_add_test(t, a_keyframe_too_many_bytes_ago_is_no_start);
	tcase_add_test(t, skip_goes_on_at_a_newer_keyframe);
	tcase_add_test(t, close_ends_the_connection);
	tcase_add_test(t, audio_goes_on_and_video_comes_back_at_a_keyframe);
	tcase_add_test(t, the_kernel_is_asked_of_slow_players_only);
	tcase_add_test(t, a_worker_that_stood_still_is_the_cause);
	tcase_add_test(t, zero_bytes_or_zero_time_wait_for_the_next_keyframe);
}

int
main(void)
{
	Suite *s = suite_create("viewers");
	TCase *t = tcase_create("viewers");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, begin, end);
	add_all(t);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
