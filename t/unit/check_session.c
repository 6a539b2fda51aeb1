/*
 * check_session - whole sessions over a fake loop (t/fuzz/world.h): two
 * workers, the master's part, clients whose every byte and send is chosen.
 * The world itself checks on each byte that players are sent whole messages of
 * their stream, in order, from join points on, and at its end that nothing is
 * left over.  The numbers are the architecture's rules.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "master/streams.h"
#include "rtmp/wire.h"
#include "t/unit/guests.h"
#include "worker/glue.h"

enum { BIG = 200000 };

static bool
is_frame(const struct model_msg *m, enum frame f, size_t n, uint32_t s)
{
	static uint8_t b[1 << 20];
	n = frame_make(f, b, n, s);
	return m->type == frame_type(f) && m->len == n &&
	       memcmp(m->data, b, n) == 0;
}

/* Both were sent the same. */
static void
same_got(const struct client *a, const struct client *b)
{
	ck_assert_uint_eq(a->ngot, b->ngot);
	for (size_t i = 0; i < a->ngot; i++) {
		ck_assert_uint_eq(a->got[i].type, b->got[i].type);
		ck_assert_uint_eq(a->got[i].ts, b->got[i].ts);
		ck_assert_uint_eq(a->got[i].len, b->got[i].len);
		ck_assert_mem_eq(a->got[i].data, b->got[i].data, a->got[i].len);
	}
}

START_TEST(rule_1_a_commit_wakes_the_worker_of_a_player)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	size_t had = c->ngot;
	world_run(x);
	ck_assert(wake_may_sleep(&x->w[1].arena, 1));
	client_frame(p, INTER, 1, 40, 100, ++seed);
	client_deliver(p, SIZE_MAX, 0);
	ck_assert(!wake_may_sleep(&x->w[1].arena, 1));
	world_run(x);
	ck_assert_uint_eq(c->ngot, had + 1);
}
END_TEST

START_TEST(rule_2_messages_of_every_size_arrive_whole)
{
	static const size_t sizes[] = { 0, 1, 2, 15, 16, 17, 65535, 65536,
		65537, 131071, 131072, 131073, 262144 };
	/* 12 byte headers, then 16 */
	static const uint32_t from[] = { 1000, 0xffffff - 1000 };
	struct client *p = live(0, "a");
	struct client *one = player(1, "a", 1), *two = player(0, "a", 2);
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			size_t had = one->ngot;
			world_wait(x, 100);
			frame(p, AUDIO, from[k] + i * 100, sizes[i]);
			world_wait(x, 40);
			ck_assert_uint_eq(one->ngot, had + 1);
			ck_assert(
			    is_frame(&one->got[had], AUDIO, sizes[i], seed));
			frame(p, INTER, from[k] + i * 100, sizes[i]);
			ck_assert_uint_eq(one->ngot, had + 2);
		}
	}
	same_got(one, two);
}
END_TEST

START_TEST(rule_3_a_reply_waits_for_the_end_of_a_message)
{
	uint8_t ping[6] = { 0, WIRE_PING_REQUEST, 0, 0, 0, 77 };
	for (unsigned msid = 1; msid <= 2; msid++) {
		struct client *p = live(0, "a"), *c = player(0, "a", msid);
		client_window(c, 5000);
		frame(p, INTER, 40, 20000);
		size_t had = c->ngot;
		client_message(c, 2, WIRE_USER_CONTROL, 0, 0, ping, 6);
		go(c);
		frame(p, INTER, 80, 100);
		client_window(c, 14000);
		world_run(x);
		ck_assert_uint_eq(c->ngot, had);
		ck_assert_uint_eq(c->pong, 0);
		client_window(c, SIZE_MAX);
		world_run(x);
		ck_assert_uint_eq(c->pong, 77);
		/* the next message lets it pass */
		ck_assert_uint_eq(c->pong_at, had + 1);
		ck_assert_uint_eq(c->ngot, had + 2);
		leave(c);
		leave(p);
		world_wait(x, 12000);
	}
}
END_TEST

/* Publish for so long that everything of before is given up. */
static void
move_on(struct client *p, uint32_t ts)
{
	for (unsigned i = 0; i < 50; i++) {
		world_wait(x, 100);
		frame(p, i % 4 == 0 ? KEY : INTER, ts + i * 100, 50000);
	}
}

START_TEST(rule_4_a_message_left_behind_is_finished_then_a_keyframe_follows)
{
	for (unsigned msid = 1; msid <= 2; msid++) {
		struct client *p = live(0, "a"), *c = player(1, "a", msid);
		client_window(c, 150000);
		frame(p, INTER, 40, BIG);
		uint32_t was = seed;
		size_t had = c->ngot;
		move_on(p, 400);
		ck_assert_uint_eq(c->ngot, had);
		ck_assert_uint_eq(counter(1, COUNTER_TAILS), msid);
		client_window(c, SIZE_MAX);
		world_run(x);
		ck_assert_uint_ge(c->ngot, had + 2);
		ck_assert(is_frame(&c->got[had], INTER, BIG, was));
		ck_assert_uint_eq(c->got[had + 1].data[0], 0x17);
		leave(c);
		leave(p);
		world_wait(x, 12000);
	}
}
END_TEST

START_TEST(rule_4_blocked_players_share_one_copy)
{
	struct client *p = live(0, "a"), *c[4];
	for (unsigned i = 0; i < 4; i++) {
		c[i] = player(1, "a", 1);
		client_window(c[i], 50000 + i * 20000);
	}
	frame(p, INTER, 40, BIG);
	move_on(p, 400);
	ck_assert_uint_eq(counter(1, COUNTER_TAILS), 1);
	for (unsigned i = 0; i < 4; i++)
		client_window(c[i], SIZE_MAX);
	world_run(x);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_ptr_nonnull(client_conn(c[i]));
}
END_TEST

START_TEST(time_passes_without_a_look_at_players_that_keep_up)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	const struct conns *cs = x->w[1].conns;
	move_on(p, 400);
	ck_assert_uint_eq(cs->open, 1);
	ck_assert_uint_eq(cs->ntimed, 0);
	/* one that takes nothing is looked at, until it does */
	client_window(c, 0);
	frame(p, INTER, 5440, 100);
	ck_assert_uint_eq(cs->ntimed, 1);
	client_window(c, SIZE_MAX);
	move_on(p, 5500);
	ck_assert_uint_eq(cs->ntimed, 0);
	ck_assert_ptr_nonnull(client_conn(c));
}
END_TEST

START_TEST(rule_4_a_message_left_behind_must_end_within_the_stall_time)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	client_window(c, 140000);
	frame(p, INTER, 40, BIG);
	for (unsigned i = 0; i < 6 && client_conn(c) != NULL; i++) {
		/* it trickles */
		client_window(c, 10);
		move_on(p, 400 + i * 5000);
	}
	ck_assert_ptr_null(client_conn(c));
	ck_assert_uint_eq(
	    counter(1, (unsigned)COUNTER_REASONS + REASON_SLOW_TAIL), 1);
}
END_TEST

START_TEST(rule_5_a_send_offers_no_more_than_128_kib)
{
	struct client *p = live(0, "a");
	for (unsigned msid = 1; msid <= 2; msid++) {
		struct client *c = player(0, "a", msid);
		c->offered = 0;
		client_window(c, 0);
		frame(p, INTER, 40, 100);
		for (unsigned i = 0; i < 4; i++)
			frame(p, INTER, 80, 100000);
		size_t had = c->ngot;
		client_window(c, SIZE_MAX);
		world_run(x);
		ck_assert_uint_eq(c->ngot, had + 5);
		/* a translated send ends where a message does */
		ck_assert_uint_le(
		    c->offered, PLAY_SEND_MAX + (msid == 1 ? 0 : 100100));
	}
}
END_TEST

/* A player that is sent `first` bytes of its stream, then one, then all. */
static bool
cut_at(size_t first, unsigned msid, const struct client *whole)
{
	struct client *c = guest(0, msid);
	client_window(c, first);
	client_play(c, msid, "a");
	go(c);
	bool all = c->window > 0;
	client_window(c, 1);
	world_run(x);
	client_window(c, SIZE_MAX);
	world_run(x);
	same_got(c, whole);
	leave(c);
	return all;
}

START_TEST(rule_6_both_paths_survive_a_short_send_at_every_byte)
{
	unsigned msid = (unsigned)_i;
	struct client *p = live(0, "a");
	frame(p, AUDIO, 20, 9);
	frame(p, INTER, 40, 70);
	frame(p, INTER, 0x1000010, 0);
	frame(p, DATA, 0x1000020, 0);
	frame(p, INTER, 0x1000020, 66000);
	struct client *whole = player(0, "a", 1);
	ck_assert_uint_ge(whole->ngot, 9);
	size_t n = 0;
	while (!cut_at(n, msid, whole))
		n += n < 1400 ? 1 : n < 66000 ? 977 : 1;
	ck_assert_uint_gt(n, 66000);
}
END_TEST

START_TEST(rule_6_state_belongs_to_the_netstream)
{
	/* one connection publishes on stream 1 and plays on stream 2 */
	struct client *c = guest(0, 2);
	client_publish(c, 1, "a");
	client_play(c, 2, "a");
	go(c);
	frame(c, KEY, 0, 500);
	ck_assert_uint_eq(c->ngot, 1);
	client_call(c, CMD_CLOSE_STREAM, 2);
	go(c);
	frame(c, KEY, 40, 500);
	ck_assert_uint_eq(c->ngot, 1);
	client_play(c, 2, "a");
	go(c);
	ck_assert_uint_eq(c->ngot, 2);
	client_call(c, CMD_CLOSE_STREAM, 1);
	go(c);
	ck_assert(client_was_told(c, "NetStream.Play.UnpublishNotify"));
}
END_TEST

START_TEST(rule_6_closestream_inside_a_message_finishes_it)
{
	for (unsigned msid = 1; msid <= 2; msid++) {
		struct client *p = live(0, "a"), *c = player(1, "a", msid);
		client_window(c, 60000);
		frame(p, INTER, 40, BIG);
		size_t had = c->ngot;
		client_call(c, CMD_CLOSE_STREAM, msid);
		/* and another play behind it */
		client_play(c, msid, "a");
		go(c);
		frame(p, KEY, 80, 100);
		ck_assert_uint_eq(c->ngot, had);
		client_window(c, SIZE_MAX);
		world_run(x);
		ck_assert(is_frame(&c->got[had], INTER, BIG, seed - 1));
		ck_assert(is_frame(&c->got[c->ngot - 1], KEY, 100, seed));
		ck_assert_uint_eq(c->got[had + 1].type, WIRE_DATA);
		leave(c);
		leave(p);
		world_wait(x, 12000);
	}
}
END_TEST

START_TEST(rule_6_a_private_header_that_is_cut_goes_on_in_the_copy)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 2);
	frame(p, INTER, 40, BIG);
	client_window(c, 5);
	frame(p, INTER, 80, 1000);
	uint32_t was = seed;
	size_t had = c->ngot;
	move_on(p, 400);
	ck_assert_uint_eq(counter(1, COUNTER_TAILS), 1);
	client_window(c, SIZE_MAX);
	world_run(x);
	ck_assert(is_frame(&c->got[had], INTER, 1000, was));
}
END_TEST

START_TEST(several_plays_of_one_connection_are_told_apart)
{
	struct client *a = live(0, "a"), *b = live(1, "b");
	struct client *c = guest(1, 3);
	client_play(c, 2, "a");
	client_play(c, 1, "b");
	go(c);
	size_t had = c->ngot;
	for (unsigned i = 1; i < 40; i++) {
		frame(a, i % 8 == 0 ? KEY : INTER, i * 40, 100 + i * 2000);
		frame(b, i % 9 == 0 ? KEY : INTER, i * 40, 100 + i * 1500);
	}
	/* the world has compared each with what it plays */
	ck_assert_uint_eq(c->ngot - had, 2 * 39);
}
END_TEST

START_TEST(rule_7_a_player_that_skips_gets_the_headers_of_where_it_lands)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	size_t had = c->ngot;
	client_window(c, 0);
	frame(p, INTER, 40, 100);
	frame(p, VIDEO_HEADER, 80, 50);
	uint32_t header = seed;
	move_on(p, 400);
	client_window(c, SIZE_MAX);
	world_run(x);
	ck_assert_uint_ge(c->ngot, had + 3);
	ck_assert(is_frame(&c->got[had], VIDEO_HEADER, 50, header));
	ck_assert_uint_eq(c->got[had + 2].data[0], 0x17);
	ck_assert_uint_eq(c->got[had + 2].ts, c->got[had].ts);
}
END_TEST

START_TEST(rule_7_a_header_change_reaches_runners_and_joiners_in_order)
{
	struct client *p = live(0, "a"), *early = player(1, "a", 1);
	size_t had = early->ngot;
	frame(p, VIDEO_HEADER, 40, 44);
	uint32_t header = seed;
	frame(p, KEY, 40, 100);
	frame(p, INTER, 80, 100);
	struct client *late = player(1, "a", 1);
	ck_assert_uint_eq(early->ngot, had + 3);
	ck_assert(is_frame(&early->got[had], VIDEO_HEADER, 44, header));
	ck_assert(is_frame(&early->got[had + 1], KEY, 100, header + 1));
	/* metadata, video header, audio header, then from the keyframe on */
	ck_assert_uint_eq(late->ngot, 5);
	ck_assert(is_frame(&late->got[1], VIDEO_HEADER, 44, header));
	ck_assert(is_frame(&late->got[3], KEY, 100, header + 1));
	ck_assert_uint_eq(late->got[1].ts, late->got[3].ts);
	/* the same once more makes no new version */
	uint32_t ver = client_conn(late)->player->watch->view.half->cfg_ver;
	client_frame(p, VIDEO_HEADER, 1, 120, 44, header);
	client_frame(p, KEY, 1, 120, 50, ++seed);
	go(p);
	ck_assert_uint_eq(
	    client_conn(late)->player->watch->view.half->cfg_ver, ver);
}
END_TEST

START_TEST(rule_7_metadata_too_large_is_passed_on_and_not_kept)
{
	static uint8_t big[40000];
	struct writer wr;
	struct client *p = live(0, "a"), *early = player(1, "a", 1);
	writer_init(&wr, big, sizeof big);
	amf0_write_text(&wr, "@setDataFrame");
	amf0_write_text(&wr, "onMetaData");
	memset(big + wr.len, 5, 20000); /* nulls */
	client_message(p, 5, WIRE_DATA, 1, 40, big, wr.len + 20000);
	size_t had = early->ngot;
	frame(p, KEY, 40, 100);
	ck_assert_uint_eq(early->ngot, had + 2);
	ck_assert_uint_gt(early->got[had].len, 20000);
	struct client *late = player(1, "a", 1);
	ck_assert_uint_lt(late->got[0].len, 1000);
	ck_assert_uint_eq(counter(0, COUNTER_META_TOO_LARGE), 1);
}
END_TEST

START_TEST(rule_8_a_joiner_begins_at_the_newest_keyframe)
{
	struct client *p = live(0, "a");
	for (unsigned i = 1; i < 10; i++)
		frame(p, i == 6 ? KEY : INTER, i * 40, 50 + i);
	struct client *c = player(1, "a", 1);
	ck_assert_uint_eq(c->ngot, 3 + 4);
	ck_assert_uint_eq(c->got[3].len, 56);
}
END_TEST

START_TEST(rule_8_without_video_any_message_is_a_start)
{
	struct client *p = publisher(0, "a"), *c = player(1, "a", 1);
	for (unsigned i = 0; i < 30; i++) {
		world_wait(x, 100);
		frame(p, AUDIO, i * 100, 20);
	}
	world_wait(x, 40);
	ck_assert_uint_gt(c->ngot, 5);
	ck_assert_uint_lt(c->ngot, 12);
	/* at most one such start per 250 ms */
	const struct model_stream *s = model_find(&x->model, "a");
	unsigned joins = 0;
	for (size_t i = 0; i < s->n; i++)
		joins += s->msg[i].join;
	ck_assert_uint_ge(joins, 3);
	ck_assert_uint_le(joins, 5);
}
END_TEST

/* A command with a boolean and a number behind null. */
static void
say_flag(struct client *c, const char *name, uint32_t msid, bool flag)
{
	uint8_t b[64];
	struct writer w;
	writer_init(&w, b, sizeof b);
	amf0_write_text(&w, name);
	amf0_write_number(&w, 0);
	amf0_write_null(&w);
	amf0_write_boolean(&w, flag);
	amf0_write_number(&w, 0);
	client_message(c, 3, WIRE_COMMAND, msid, 0, b, w.len);
	go(c);
}

START_TEST(a_pause_goes_on_behind_what_was_seen)
{
	struct client *p = live(0, "a");
	struct client *c = player(1, "a", 1);
	frame(p, INTER, 40, 100);
	size_t seen = c->ngot;
	say_flag(c, "pause", 1, true);
	frame(p, INTER, 80, 100);
	ck_assert_uint_eq(c->ngot, seen);
	say_flag(c, "pause", 1, false);
	frame(p, INTER, 120, 100);
	/* not from the keyframe that it has had */
	ck_assert_uint_eq(c->ngot, seen);
	frame(p, KEY, 160, 100);
	ck_assert_uint_eq(c->ngot, seen + 1);
	ck_assert(is_frame(&c->got[seen], KEY, 100, seed));
	ck_assert_uint_eq(counter(1, COUNTER_SKIPS), 0);
}
END_TEST

START_TEST(a_joiner_that_waits_for_a_keyframe_skips_nothing)
{
	struct client *p = live(0, "a");
	world_wait(x, (uint64_t)x->app->join_ms + 100);
	struct client *c = player(1, "a", 1);
	for (uint32_t i = 1; i < 9; i++)
		frame(p, INTER, 16000 + i * 40, 100);
	ck_assert_uint_eq(counter(1, COUNTER_SKIPS), 0);
	frame(p, KEY, 17000, 100);
	ck_assert_uint_gt(c->ngot, 0);
}
END_TEST

START_TEST(receive_audio_leaves_out_audio_and_brings_its_header_back)
{
	struct client *p = live(0, "a");
	struct client *c = player(1, "a", 1);
	size_t seen = c->ngot;
	say_flag(c, "receiveAudio", 1, false);
	frame(p, AUDIO, 20, 50);
	frame(p, INTER, 40, 100);
	ck_assert_uint_eq(c->ngot, seen + 1);
	ck_assert_uint_eq(c->got[seen].type, WIRE_VIDEO);
	say_flag(c, "receiveAudio", 1, true);
	frame(p, AUDIO, 60, 50);
	uint32_t audio = seed;
	frame(p, INTER, 80, 100);
	ck_assert(is_frame(&c->got[c->ngot - 2], AUDIO, 50, audio));
}
END_TEST

START_TEST(rule_8_a_keyframe_too_old_is_no_start)
{
	struct client *p = live(0, "a");
	world_wait(x, (uint64_t)x->app->join_ms - 100);
	struct client *near = player(1, "a", 1);
	ck_assert_uint_eq(near->ngot, 4);
	world_wait(x, 200);
	struct client *far = player(1, "a", 1);
	ck_assert_uint_eq(far->ngot, 0);
	frame(p, KEY, 20000, 10);
	ck_assert_uint_eq(far->ngot, 4);
}
END_TEST

START_TEST(rule_9_the_first_media_is_at_1000_and_a_republish_goes_on)
{
	struct client *p = publisher(0, "a"), *c = player(1, "a", 1);
	frame(p, KEY, 777777, 100);
	frame(p, INTER, 777817, 100);
	ck_assert_uint_eq(c->got[0].ts, 1000);
	ck_assert_uint_eq(c->got[1].ts, 1040);
	leave(p); /* lost: within the grace time nobody is told */
	world_wait(x, 3000);
	p = publisher(1, "a");
	frame(p, KEY, 5, 100);
	ck_assert_uint_eq(c->ngot, 3);
	ck_assert_uint_eq(c->got[2].ts, 4040);
	ck_assert(!client_was_told(c, "NetStream.Play.UnpublishNotify"));
	ck_assert(!client_was_told(c, "NetStream.Play.PublishNotify"));
	/* a step of the source against elapsed time */
	frame(p, INTER, 900000, 100);
	ck_assert_uint_eq(c->got[3].ts, 4040);
	ck_assert_uint_eq(counter(1, COUNTER_CLOCK_JUMPS), 1);
}
END_TEST

/*
 * Times are of the worker's wheel, a slot of it early at most: the test looks
 * a slot before it and at the end.
 */
START_TEST(rule_10_audio_waits_at_most_40_ms_for_video)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	size_t had = c->ngot;
	frame(p, AUDIO, 10, 20);
	world_clock(x, 36 - 1);
	world_run(x);
	ck_assert_uint_eq(c->ngot, had);
	ck_assert_uint_le(x->w[0].wake_at.ns, x->now.ns + 5 * NS_PER_MS);
	world_clock(x, 5);
	world_run(x);
	ck_assert_uint_eq(c->ngot, had + 1);
	/* and rides with video that comes before */
	frame(p, AUDIO, 50, 20);
	ck_assert_uint_eq(c->ngot, had + 1);
	frame(p, INTER, 50, 20);
	ck_assert_uint_eq(c->ngot, had + 3);
}
END_TEST

/* Live and played, with that policy; nothing waits to be flushed. */
static struct client *
tuned(int64_t policy, struct client **player_)
{
	x->app->latency = policy;
	struct client *p = live(0, "a");
	*player_ = player(1, "a", 1);
	world_wait(x, 400);
	return p;
}

START_TEST(latency_lowest_sends_every_message_at_once)
{
	struct client *c, *p = tuned(0, &c);
	size_t had = c->ngot;
	frame(p, AUDIO, 410, 20);
	ck_assert_uint_eq(c->ngot, had + 1);
	frame(p, INTER, 410, 20);
	ck_assert_uint_eq(c->ngot, had + 2);
}
END_TEST

START_TEST(latency_window_sends_once_in_a_window)
{
	struct client *c, *p = tuned(100, &c);
	size_t had = c->ngot;
	frame(p, INTER, 410, 20);
	world_wait(x, 30);
	frame(p, AUDIO, 440, 20);
	world_wait(x, 65);
	ck_assert_uint_eq(c->ngot, had);
	world_wait(x, 5);
	ck_assert_uint_eq(c->ngot, had + 2);
	/* the next begins with the next message */
	frame(p, INTER, 510, 20);
	world_wait(x, 95);
	ck_assert_uint_eq(c->ngot, had + 2);
	world_wait(x, 5);
	ck_assert_uint_eq(c->ngot, had + 3);
}
END_TEST

START_TEST(latency_balanced_of_a_busy_worker_sends_less_often)
{
	struct client *c, *p = tuned(CONF_LATENCY_BALANCED, &c);
	struct load *l = &x->w[0].load;
	size_t had = c->ngot;
	for (struct mono t = x->now; load_press_ms(l) < 100;
	     t = mono_add_ms(t, LOAD_PERIOD_MS))
		load_judge(l, t, t.ns);
	frame(p, INTER, 410, 20);
	ck_assert_uint_eq(c->ngot, had + 1);
	world_wait(x, 33);
	frame(p, INTER, 443, 20);
	world_wait(x, 60);
	ck_assert_uint_eq(c->ngot, had + 1);
	world_wait(x, 7);
	ck_assert_uint_eq(c->ngot, had + 2);
}
END_TEST

START_TEST(rule_11_a_publisher_that_was_silent_is_read_at_once)
{
	struct client *p = live(0, "a");
	world_wait(x, 60000);
	frame(p, AUDIO_HEADER, 60000, 7);
	frame(p, KEY, 60000, 100);
	ck_assert(!client_conn(p)->paused);
}
END_TEST

START_TEST(rule_11_audio_overtakes_a_video_message_that_is_not_complete)
{
	static uint8_t big[BIG], image[BIG + 1000];
	struct writer wr;
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	size_t had = c->ngot, n = frame_make(INTER, big, BIG, 99);
	writer_init(&wr, image, sizeof image);
	wire_write(&wr, 6, WIRE_VIDEO, 1, 40, big, n, 65536);
	client_put(p, image, 12 + 65536);
	frame(p, AUDIO, 45, 30);
	world_wait(x, 40);
	ck_assert_uint_eq(c->ngot, had + 1);
	client_put(p, image + 12 + 65536, 1 + 65536);
	frame(p, AUDIO, 50, 31);
	client_put(p, image + 13 + 131072, wr.len - 13 - 131072);
	go(p);
	ck_assert_uint_eq(c->ngot, had + 3);
	ck_assert(is_frame(&c->got[had + 2], INTER, BIG, 99));
}
END_TEST

START_TEST(rule_11_a_message_above_a_quarter_of_the_quota_ends_its_publisher)
{
	struct client *p = live(0, "a");
	uint8_t head[16];
	size_t n = wire_head0(
	    head, 6, 0, (uint32_t)x->app->stream_bytes / 4 + 1, WIRE_VIDEO, 1);
	client_put(p, head, n);
	go(p);
	ck_assert_uint_eq(
	    counter(0, (unsigned)COUNTER_REASONS + REASON_MESSAGE_SIZE), 1);
}
END_TEST

START_TEST(rule_11_input_behind_publish_waits_for_the_answer)
{
	struct client *c = player(1, "a", 1), *p = guest(0, 1);
	x->hold = true;
	client_publish(p, 1, "a");
	client_frame(p, KEY, 1, 0, 100, 7);
	go(p);
	ck_assert_uint_eq(c->ngot, 0);
	for (unsigned i = 1; i < 9; i++)
		client_frame(p, INTER, 1, i * 40, 50000, i);
	size_t sent = client_deliver(p, SIZE_MAX, 0);
	/* the stash is bounded: then nothing is read */
	ck_assert_uint_lt(sent, CONN_STASH_SOFT + 2 * FAKE_BUFFER_SIZE);
	ck_assert(!fake_recv_armed(x->w[0].loop, p->index, p->gen));
	x->hold = false;
	world_run(x);
	go(p);
	ck_assert_uint_eq(c->ngot, 9);
	ck_assert(is_frame(&c->got[0], KEY, 100, 7));
}
END_TEST

START_TEST(rule_11_an_end_of_file_behind_publish_comes_after_the_input)
{
	struct client *p = guest(0, 1);
	x->hold = true;
	client_publish(p, 1, "a");
	client_frame(p, KEY, 1, 0, 100, 7);
	go(p);
	client_end(p, 0);
	world_run(x);
	ck_assert_ptr_nonnull(client_conn(p));
	x->hold = false;
	world_run(x);
	ck_assert_ptr_null(client_conn(p));
	ck_assert_uint_eq(model_find(&x->model, "a")->n, 1);
}
END_TEST

/* What glue.c does is not looked at here: only that it is called. */
static struct conn *opened;

static void
on_opened(struct worker *w, struct conn *c)
{
	(void)w;
	opened = c;
}

static void
on_input(struct worker *w, struct conn *c, const uint8_t *p, size_t n)
{
	(void)w, (void)c, (void)p, (void)n;
}

static void
on_closed(struct worker *w, struct conn *c)
{
	(void)w;
	ck_assert(c->outbound);
	opened = NULL;
}

static const struct conn_ops outbound_ops = {
	.opened = on_opened, .input = on_input, .closed = on_closed
};

static struct conn *
dialled(struct worker *w, const char *text)
{
	struct addr a;
	ck_assert_int_eq(addr_parse(text, strlen(text), &a), 0);
	return conn_adopt(w, open("/dev/null", O_RDWR | O_NONBLOCK), &a, 1935,
	    conf_app(w->conf, 0));
}

START_TEST(a_dialled_connection_is_no_client)
{
	struct worker *w = &x->w[0];
	const struct conn_ops *ops = w->conns->ops;
	uint64_t accepted = counter(0, COUNTER_ACCEPTED);
	uint64_t closed = counter(0, COUNTER_CLOSED);
	w->conns->ops = &outbound_ops;
	struct conn *c = dialled(w, "2001:db8::1");
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_eq(opened, c);
	ck_assert(c->outbound && c->state == CONN_HELLO);
	ck_assert_str_eq(c->row->addr, "[2001:db8::1]:1935");
	ck_assert_uint_eq(c->row->role, ROW_UPSTREAM);
	ck_assert(fake_recv_armed(w->loop, c->index, c->gen));
	ck_assert_int_eq(fcntl(c->fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_uint_eq(w->slot->clients, 0);
	ck_assert_uint_eq(w->conns->open, 1);
	conn_abort(w, c, REASON_UPSTREAM_LOST);
	conns_reap(w);
	world_turn(x, 0);
	ck_assert_ptr_null(opened);
	ck_assert_uint_eq(w->conns->open, 0);
	ck_assert_uint_eq(w->conns->outbound, 0);
	ck_assert_uint_eq(w->slot->clients, 0);
	ck_assert_uint_eq(counter(0, COUNTER_ACCEPTED), accepted);
	ck_assert_uint_eq(counter(0, COUNTER_CLOSED), closed);
	w->conns->ops = ops;
}
END_TEST

START_TEST(a_quarter_of_the_table_is_for_the_dialled)
{
	struct worker *w = &x->w[0];
	const struct conn_ops *ops = w->conns->ops;
	uint32_t n = w->conns->size / 4, limit = w->conns->limit;
	w->conns->ops = &outbound_ops;
	for (uint32_t i = 0; i < n; i++)
		ck_assert_ptr_nonnull(dialled(w, "192.0.2.1"));
	ck_assert_ptr_null(dialled(w, "192.0.2.1"));
	/* they are not counted where clients are */
	w->conns->limit = 1;
	w->conns->ops = ops;
	struct client *c = client_open(x, 0);
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(client_conn(c)->refuse, REASON_NONE);
	struct client *surplus = client_open(x, 0);
	ck_assert_ptr_nonnull(surplus);
	ck_assert_int_eq(client_conn(surplus)->refuse, REASON_CLIENTS_FULL);
	w->conns->limit = limit;
	w->conns->ops = &outbound_ops;
	/* one leaves: there is room */
	for (uint32_t i = 0; i < w->conns->high; i++)
		if (w->conns->table[i].outbound && i % 2 == 0)
			conn_abort(
			    w, &w->conns->table[i], REASON_UPSTREAM_IDLE);
	conns_reap(w);
	world_turn(x, 0);
	ck_assert_uint_lt(w->conns->outbound, n);
	ck_assert_ptr_nonnull(dialled(w, "192.0.2.1"));
	for (uint32_t i = 0; i < w->conns->high; i++)
		if (w->conns->table[i].outbound)
			conn_abort(
			    w, &w->conns->table[i], REASON_UPSTREAM_IDLE);
	conns_reap(w);
	world_turn(x, 0);
	ck_assert_uint_eq(w->conns->outbound, 0);
	w->conns->ops = ops;
}
END_TEST

START_TEST(any_byte_keeps_the_name_of_a_publisher)
{
	struct client *p = live(0, "a"), *n = guest(1, 1);
	client_publish(n, 1, "a");
	go(n);
	world_wait(x, 1500);
	ck_assert(!client_was_told(n, "NetStream.Publish.BadName"));
	ck_assert(!client_was_told(n, "NetStream.Publish.Start"));
	client_set_chunk(p, 4096);
	go(p);
	world_run(x);
	ck_assert(client_was_told(n, "NetStream.Publish.BadName"));
	ck_assert_ptr_nonnull(client_conn(p));
}
END_TEST

START_TEST(a_silent_publisher_loses_its_name_and_viewers_stay)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	world_wait(x, 1000);
	struct client *n = guest(1, 1), *second = guest(0, 1);
	client_publish(n, 1, "a");
	go(n);
	client_publish(second, 1, "a");
	go(second);
	ck_assert(client_was_told(second, "NetStream.Publish.BadName"));
	world_wait(x, 900);
	ck_assert(!client_was_told(n, "NetStream.Publish.Start"));
	world_wait(x, 200);
	ck_assert(client_was_told(n, "NetStream.Publish.Start"));
	ck_assert(client_was_told(p, "NetStream.Unpublish.Success"));
	size_t had = c->ngot;
	uint32_t last = c->got[had - 1].ts;
	frame(n, VIDEO_HEADER, 0, 40);
	frame(n, KEY, 0, 300);
	world_wait(x, 1500);
	ck_assert_ptr_nonnull(client_conn(c));
	ck_assert_uint_gt(c->ngot, had);
	ck_assert_int_ge(rtmp_ts_diff(last, c->got[had].ts), 0);
}
END_TEST

START_TEST(rule_11_a_publisher_far_ahead_of_time_is_read_slowly)
{
	struct client *p = live(0, "a");
	uint32_t ts = 0;
	for (unsigned i = 0; i < 20; i++)
		client_frame(p, KEY, 1, ts += 1000, 100, ++seed);
	go(p);
	const struct model_stream *s = model_find(&x->model, "a");
	ck_assert_uint_lt(s->n, 12);
	ck_assert(client_conn(p)->paused);
	world_wait(x, 3000);
	go(p);
	ck_assert_uint_eq(s->n, 24);
}
END_TEST

START_TEST(rule_11_a_dropped_message_is_followed_by_a_keyframe)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	/* no segment is left: a frame finds no room */
	_Atomic uint64_t *owner = arena_owner(&x->w[0].arena, 0, 0);
	uint64_t taken[WORLD_SEGMENTS];
	for (unsigned i = 0; i < WORLD_SEGMENTS; i++) {
		taken[i] = owner[i];
		if (taken[i] == 0)
			owner[i] = 1;
	}
	size_t had = c->ngot;
	frame(p, INTER, 40, BIG);
	for (unsigned i = 0; i < WORLD_SEGMENTS; i++)
		owner[i] = taken[i];
	ck_assert_uint_eq(counter(0, COUNTER_FRAMES_DROPPED), 1);
	frame(p, INTER, 80, 100);
	frame(p, KEY, 120, 100);
	frame(p, INTER, 160, 100);
	ck_assert_uint_eq(c->ngot, had + 2);
	ck_assert(is_frame(&c->got[had], KEY, 100, seed - 1));
}
END_TEST

START_TEST(rule_11_chunk_streams_grow_once_and_have_a_limit)
{
	struct client *c = guest(0, 1);
	for (uint32_t i = 0; i < 60; i++)
		client_message(c, 4 + i, i < 30 ? WIRE_AUDIO : WIRE_ACK, 1, 0,
		    "\0\0\0", 4);
	go(c);
	ck_assert_ptr_nonnull(client_conn(c));
	uint8_t more[] = { 0x00, 0, 0, 0, 0, 0, 0, 4, 8, 1, 0, 0, 0, 1, 2, 3,
		4 };
	for (unsigned i = 0; i < 10; i++) {
		more[1] = (uint8_t)i;
		client_put(c, more, sizeof more);
	}
	go(c);
	ck_assert_uint_eq(
	    counter(0, (unsigned)COUNTER_REASONS + REASON_CHUNK_STREAMS), 1);
}
END_TEST

START_TEST(rule_12_set_chunk_size_comes_once_before_the_answer_to_connect)
{
	struct client *c = client_open(x, 0);
	client_shake(c);
	client_connect(c, "live");
	go(c);
	ck_assert(client_was_told(c, "NetConnection.Connect.Success"));
	ck_assert_uint_eq(c->chunk_sets, 1);
	ck_assert_uint_eq(c->tap.r.size, WIRE_CHUNK);
	client_call(c, CMD_CREATE_STREAM, 0);
	client_play(c, 1, "a");
	go(c);
	ck_assert_uint_eq(c->chunk_sets, 1);
}
END_TEST

START_TEST(rule_13_accept_pauses_100_ms_when_out_of_files)
{
	struct loop *l = x->w[0].loop;
	fake_accept(l, 0, -EMFILE, false);
	world_run(x);
	ck_assert(!fake_accept_armed(l, 0));
	ck_assert_ptr_null(client_open(x, 0));
	world_wait(x, 400);
	ck_assert(fake_accept_armed(l, 0));
	ck_assert_ptr_nonnull(client_open(x, 0));
}
END_TEST

START_TEST(rule_13_a_completion_without_more_still_counts)
{
	struct client *c = guest(0, 0);
	struct loop *l = x->w[0].loop;
	client_call(c, CMD_CREATE_STREAM, 0);
	fake_recv(l, c->index, c->gen, c->out + c->out_off,
	    (int32_t)(c->out_len - c->out_off), false);
	c->out_off = c->out_len;
	world_run(x);
	ck_assert(fake_recv_armed(l, c->index, c->gen));
	client_end(c, -ENOBUFS);
	world_run(x);
	ck_assert(fake_recv_armed(l, c->index, c->gen));
	ck_assert_uint_eq((unsigned)c->result, 1);
	c->reset = false;
}
END_TEST

START_TEST(rule_14_every_turn_counts_for_the_watchdog)
{
	uint64_t was = x->w[0].slot->loops;
	world_turn(x, 0);
	world_turn(x, 0);
	ck_assert_uint_eq(x->w[0].slot->loops, was + 2);
}
END_TEST

START_TEST(rule_15_a_silent_publisher_loses_its_name)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	size_t had = c->ngot;
	const struct block *old = &x->master.arena.control->block[0];
	world_wait(x, (uint64_t)x->app->publish_timeout_ms + 10);
	struct client *q = publisher(1, "a");
	ck_assert(client_was_told(p, "NetStream.Unpublish.Success"));
	/* for viewers it is a loss, and the newcomer is there in time */
	ck_assert_uint_gt(
	    atomic_load_explicit(&old->grace_until_ns, memory_order_relaxed),
	    x->now.ns);
	ck_assert(!client_was_told(c, "NetStream.Play.UnpublishNotify"));
	frame(q, KEY, 0, 100);
	ck_assert_uint_eq(c->ngot, had + 1);
	client_end(p, 0);
	world_run(x);
	ck_assert_ptr_null(client_conn(p));
}
END_TEST

START_TEST(rule_15_a_publisher_that_sends_keeps_its_name)
{
	struct client *p = live(0, "a"), *q = guest(1, 1);
	world_wait(x, 1000);
	client_publish(q, 1, "a");
	go(q);
	frame(p, AUDIO, 1000, 10);
	world_run(x);
	ck_assert(client_was_told(q, "NetStream.Publish.BadName"));
	/* and may be asked for again on the same stream */
	client_publish(q, 1, "b");
	go(q);
	ck_assert(client_was_told(q, "NetStream.Publish.Start"));
}
END_TEST

START_TEST(rule_15_a_grant_for_a_client_that_is_gone_is_given_back)
{
	struct client *p = guest(0, 1);
	x->hold = true;
	client_publish(p, 1, "a");
	go(p);
	client_end(p, -ECONNRESET);
	world_run(x);
	ck_assert_ptr_null(client_conn(p));
	x->hold = false;
	world_run(x);
	(void)publisher(1, "a");
}
END_TEST

START_TEST(rule_16_viewers_are_told_at_once_of_a_goodbye)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	client_call_name(p, CMD_FC_UNPUBLISH, "a");
	go(p);
	ck_assert(client_was_told(c, "NetStream.Play.UnpublishNotify"));
	client_publish(p, 1, "a");
	go(p);
	ck_assert(client_was_told(c, "NetStream.Play.PublishNotify"));
	size_t had = c->ngot;
	frame(p, KEY, 0, 100);
	ck_assert_uint_eq(c->ngot, had + 1);
}
END_TEST

START_TEST(rule_16_viewers_are_told_of_a_loss_after_the_grace_time)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	leave(p);
	world_wait(x, (uint64_t)x->app->grace_ms - 500);
	ck_assert(!client_was_told(c, "NetStream.Play.UnpublishNotify"));
	world_wait(x, 1000);
	ck_assert(client_was_told(c, "NetStream.Play.UnpublishNotify"));
}
END_TEST

START_TEST(rule_16_a_stream_that_ends_frees_a_blocked_player_after_draining)
{
	for (unsigned msid = 1; msid <= 2; msid++) {
		struct client *p = live(0, "a"), *c = player(1, "a", msid);
		client_window(c, 30000);
		frame(p, INTER, 40, BIG);
		frame(p, INTER, 80, 100);
		size_t had = c->ngot;
		client_delete(p, 1);
		go(p);
		world_wait(x, 2 * PLAY_DRAIN_MS);
		/* nobody holds the ring any more */
		ck_assert_uint_eq(arena_segments_used(&x->w[0].arena, 0), 0);
		client_window(c, SIZE_MAX);
		world_run(x);
		ck_assert_uint_eq(c->ngot, had + 1);
		ck_assert(is_frame(&c->got[had], INTER, BIG, seed - 1));
		world_wait(x, 300);
		ck_assert(client_was_told(c, "NetStream.Play.UnpublishNotify"));
		leave(c);
		leave(p);
	}
}
END_TEST

START_TEST(rule_17_a_refused_client_gets_the_answer_and_time_to_read_it)
{
	struct client *c = client_open(x, 0);
	client_shake(c);
	client_connect(c, "");
	client_message(c, 3, WIRE_COMMAND, 0, 0, "\2\0\1x", 4);
	go(c);
	struct client *d = client_open(x, 0);
	client_shake(d);
	client_deliver(d, SIZE_MAX, 0);
	client_window(d, 0);
	client_publish(d, 1, "a"); /* before connect */
	go(d);
	ck_assert_uint_eq(client_conn(d)->state, CONN_LINGER);
	world_wait(x, CONN_LINGER_MS + 1100);
	ck_assert_ptr_null(client_conn(d));
}
END_TEST

START_TEST(rule_18_a_log_that_takes_no_line_stops_nobody)
{
	uint64_t was = log_dropped();
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	ck_assert_uint_gt(log_dropped(), was);
	frame(p, INTER, 40, 10);
	ck_assert_uint_eq(c->ngot, 5);
}
END_TEST

START_TEST(rule_19_without_a_master_players_go_on_and_nobody_publishes_anew)
{
	struct client *p = live(0, "a"), *c = player(0, "a", 1);
	struct client *q = guest(0, 1);
	client_publish(q, 1, "b");
	client_deliver(q, SIZE_MAX, 0);
	x->nto_master = 0; /* it is gone, and does not hear of it */
	x->w[0].orphan = true;
	glue_orphan(&x->w[0]);
	world_run(x);
	ck_assert(client_was_told(q, "NetStream.Publish.Denied"));
	size_t had = c->ngot;
	frame(p, INTER, 40, 10);
	ck_assert_uint_eq(c->ngot, had + 1);
	client_publish(q, 1, "c");
	go(q);
	ck_assert_uint_eq(counter(0, COUNTER_REFUSED), 2);
	x->w[0].orphan = false;
}
END_TEST

START_TEST(keys_go_to_the_master_and_into_no_name)
{
	struct client *p = client_open(x, 0);
	client_shake(p);
	client_connect(p, "live?key=of-the-app&y=1");
	client_call(p, CMD_CREATE_STREAM, 0);
	client_publish(p, 1, "a?x=1&key=of-the-name&token=1.2&xtoken=3");
	go(p);
	ck_assert(client_was_told(p, "NetStream.Publish.Start"));
	ck_assert_int_eq(x->asked_use, TOKEN_PUBLISH);
	ck_assert_str_eq(
	    x->asked_query, "key=of-the-name&token=1.2&key=of-the-app");
	frame(p, KEY, 0, 10);
	/* who plays the name without a query gets it; nobody is asked */
	struct client *c = player(1, "a?key=whatever", 1);
	ck_assert_uint_eq(c->ngot, 1);
	ck_assert_uint_eq(x->asked, 1);
	struct client_row row = *client_conn(p)->row;
	ck_assert_ptr_null(memmem(&row, sizeof row, "of-the", 6));
}
END_TEST

START_TEST(a_refused_publisher_is_told_and_may_ask_again)
{
	struct client *p = guest(0, 1);
	x->auth_says = REASON_KEY_MISSING;
	client_publish(p, 1, "a");
	go(p);
	ck_assert(client_was_told(p, "NetStream.Publish.Denied"));
	ck_assert_uint_eq(counter(0, COUNTER_REFUSED), 1);
	x->auth_says = REASON_NONE;
	client_publish(p, 1, "a?key=k");
	go(p);
	ck_assert(client_was_told(p, "NetStream.Publish.Start"));
}
END_TEST

/* Is it told that its connection ends?  (It has time to read the rest.) */
static bool
is_closed(struct client *c)
{
	return client_conn(c) == NULL || client_conn(c)->state >= CONN_LINGER;
}

/* The key of a stream of the application `live`. */
static size_t
key_of(char key[DIR_KEY_MAX], const char *name)
{
	return directory_make_key(key, "_defaultVHost_", 14, "live", 4,
	    "_definst_", 9, name, strlen(name));
}

static int
end_stream(const char *name)
{
	char key[DIR_KEY_MAX];
	return streams_end(&x->master, key, key_of(key, name),
	    REASON_SCRIPT_FAULT, "main.asc:5: it hung");
}

START_TEST(a_publisher_whose_stream_is_taken_away_is_told_and_closed)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	ck_assert_int_eq(end_stream("b"), -ENOENT);
	ck_assert_int_eq(end_stream("a"), 0);
	world_run(x);
	ck_assert(client_was_told(p, "NetStream.Publish.Failed"));
	ck_assert(is_closed(p));
	/* nobody comes back to it: viewers are told at once */
	ck_assert(client_was_told(c, "NetStream.Play.UnpublishNotify"));
	ck_assert_int_eq(end_stream("a"), -ENOENT);
	/* the name is free */
	(void)publisher(1, "a");
}
END_TEST

START_TEST(a_stream_taken_away_leaves_the_others_of_its_connection)
{
	struct client *p = guest(0, 2), *c;
	client_publish(p, 1, "a");
	client_publish(p, 2, "b");
	go(p);
	c = player(1, "b", 1);
	ck_assert_int_eq(end_stream("a"), 0);
	world_run(x);
	ck_assert(client_was_told(p, "NetStream.Publish.Failed"));
	ck_assert(!is_closed(p));
	ck_assert(!client_was_told(c, "NetStream.Play.UnpublishNotify"));
	/* and its NetStream is good for another name */
	client_publish(p, 1, "c");
	go(p);
	ck_assert_int_eq(end_stream("c"), 0);
	/* which ends by itself before that is heard */
	client_call(p, CMD_CLOSE_STREAM, 1);
	go(p);
	ck_assert(!is_closed(p));
	ck_assert_int_eq(end_stream("b"), 0);
	world_run(x);
	ck_assert(is_closed(p));
}
END_TEST

static enum reason
veto(struct master *m, const char *key, size_t keylen, char *text)
{
	char bad[DIR_KEY_MAX];
	(void)m;
	if (keylen != key_of(bad, "bad") || memcmp(key, bad, keylen) != 0)
		return REASON_NONE;
	strcpy(text, "not that one");
	return REASON_SCRIPT_FAULT;
}

START_TEST(a_name_may_be_refused_with_words)
{
	struct client *p = guest(0, 1);
	streams_watch(x->master.streams, NULL, veto);
	client_publish(p, 1, "bad");
	go(p);
	ck_assert(client_was_told(p, "NetStream.Publish.Failed"));
	ck_assert(!is_closed(p));
	client_publish(p, 1, "good");
	go(p);
	ck_assert(client_was_told(p, "NetStream.Publish.Start"));
}
END_TEST

START_TEST(more_keys_than_are_passed_on_are_refused)
{
	char name[700];
	struct client *p = guest(0, 1);
	memset(name, 'k', sizeof name);
	memcpy(name, "a?key=", 6);
	name[699] = '\0';
	client_publish(p, 1, name);
	go(p);
	ck_assert(client_was_told(p, "NetStream.Publish.Denied"));
	ck_assert_uint_eq(x->asked, 0);
	/* what is no key may be as long as it likes */
	memcpy(name, "a?kex=", 6);
	client_publish(p, 1, name);
	go(p);
	ck_assert(client_was_told(p, "NetStream.Publish.Start"));
	ck_assert_str_eq(x->asked_query, "");
}
END_TEST

static void
plays_need_a_word(void)
{
	x->app->play_allow[0] = '\0';
}

START_TEST(a_play_that_needs_it_waits_for_the_masters_word)
{
	struct client *p = live(0, "a"), *c = guest(1, 1);
	plays_need_a_word();
	x->hold = true;
	client_play(c, 1, "a?token=t");
	client_call(c, CMD_CREATE_STREAM, 0);
	go(c);
	ck_assert_int_eq(x->asked_use, TOKEN_PLAY);
	ck_assert_str_eq(x->asked_query, "token=t");
	frame(p, INTER, 40, 10);
	ck_assert_uint_eq(c->ngot, 0);
	ck_assert(!client_was_told(c, "NetStream.Play.Start"));
	x->hold = false;
	world_run(x);
	ck_assert(client_was_told(c, "NetStream.Play.Start"));
	ck_assert_uint_gt(c->ngot, 0);
	/* one that plays is not asked again */
	unsigned asked = x->asked;
	x->auth_says = REASON_DENIED;
	size_t had = c->ngot;
	frame(p, INTER, 80, 10);
	ck_assert_uint_eq(c->ngot, had + 1);
	ck_assert_uint_eq(x->asked, asked);
}
END_TEST

START_TEST(a_refused_player_is_told_and_may_ask_again)
{
	struct client *c = guest(1, 1);
	live(0, "a");
	plays_need_a_word();
	x->auth_says = REASON_KEY_WRONG;
	client_play(c, 1, "a?key=k");
	go(c);
	ck_assert(client_was_told(c, "NetStream.Play.Failed"));
	ck_assert_uint_eq(counter(1, COUNTER_PLAYS_FAILED), 1);
	ck_assert_uint_eq(c->ngot, 0);
	x->auth_says = REASON_NONE;
	client_play(c, 1, "a?key=l");
	go(c);
	ck_assert(client_was_told(c, "NetStream.Play.Start"));
	ck_assert_uint_gt(c->ngot, 0);
}
END_TEST

START_TEST(a_player_that_leaves_before_the_word_is_forgotten)
{
	struct client *c = guest(1, 1), *d = guest(1, 1);
	live(0, "a");
	plays_need_a_word();
	x->hold = true;
	client_play(c, 1, "a");
	client_play(d, 1, "a");
	go(c);
	go(d);
	client_end(c, -ECONNRESET);
	world_run(x);
	x->hold = false;
	world_run(x);
	ck_assert_ptr_null(client_conn(c));
	ck_assert(client_was_told(d, "NetStream.Play.Start"));
	ck_assert_uint_eq(counter(1, COUNTER_IPC_DROPPED), 1);
}
END_TEST

START_TEST(without_a_master_plays_that_need_its_word_are_refused)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	struct client *q = guest(1, 1);
	plays_need_a_word();
	client_play(q, 1, "a");
	client_deliver(q, SIZE_MAX, 0);
	x->nto_master = 0; /* it is gone, and does not hear of it */
	x->w[1].orphan = true;
	glue_orphan(&x->w[1]);
	world_run(x);
	ck_assert(client_was_told(q, "NetStream.Play.Failed"));
	client_play(q, 1, "a");
	go(q);
	ck_assert_uint_eq(counter(1, COUNTER_PLAYS_FAILED), 2);
	size_t had = c->ngot;
	frame(p, INTER, 40, 10);
	ck_assert_uint_eq(c->ngot, had + 1);
	x->w[1].orphan = false;
}
END_TEST

START_TEST(rule_20_without_memory_newcomers_are_refused_and_players_go_on)
{
	struct client *p = live(0, "a"), *c = player(0, "a", 1);
	struct bufpool *pool = &x->w[0].pool;
	size_t had = c->ngot;
	pool->budget = pool->lent + 1024;
	struct client *d = client_open(x, 0);
	world_run(x);
	ck_assert(d == NULL || client_conn(d) == NULL);
	frame(p, INTER, 40, 100);
	ck_assert_uint_eq(c->ngot, had + 1);
	pool->budget = (size_t)x->conf->input_bytes;
}
END_TEST

START_TEST(a_player_that_is_too_slow_skips_to_a_newer_keyframe)
{
	struct client *p = live(0, "a"), *c = player(1, "a", 1);
	client_window(c, 0);
	size_t had = c->ngot;
	for (unsigned i = 1; i < 100; i++) {
		world_wait(x, 100);
		frame(p, i % 10 == 0 ? KEY : INTER, i * 100, 100);
	}
	client_window(c, SIZE_MAX);
	world_run(x);
	ck_assert_uint_lt(c->ngot, had + 15);
	ck_assert_uint_eq(counter(1, COUNTER_SKIPS), 1);
}
END_TEST

START_TEST(a_session_may_be_cut_at_every_byte)
{
	struct client *p = live(0, "a");
	struct client *whole = player(1, "a", 2);
	size_t cut = (size_t)_i + 1;
	struct client *c = client_open(x, 1);
	c->keep = true;
	client_shake(c);
	client_connect(c, "live");
	client_set_chunk(c, 65536);
	client_call(c, CMD_CREATE_STREAM, 0);
	client_call(c, CMD_CREATE_STREAM, 0);
	client_play(c, 2, "a");
	client_deliver(c, SIZE_MAX, cut);
	world_run(x);
	same_got(c, whole);
	leave(p);
}
END_TEST

static void
add_all(TCase *t)
{
	tcase_add_test(t, rule_1_a_commit_wakes_the_worker_of_a_player);
	tcase_add_test(t, rule_2_messages_of_every_size_arrive_whole);
	tcase_add_test(t, rule_3_a_reply_waits_for_the_end_of_a_message);
	tcase_add_test(t,
	    rule_4_a_message_left_behind_is_finished_then_a_keyframe_follows);
	tcase_add_test(t, rule_4_blocked_players_share_one_copy);
	tcase_add_test(t, time_passes_without_a_look_at_players_that_keep_up);
	tcase_add_test(
	    t, rule_4_a_message_left_behind_must_end_within_the_stall_time);
	tcase_add_test(t, rule_5_a_send_offers_no_more_than_128_kib);
	tcase_add_test(t, rule_6_state_belongs_to_the_netstream);
	tcase_add_test(t, rule_6_closestream_inside_a_message_finishes_it);
	tcase_add_test(
	    t, rule_6_a_private_header_that_is_cut_goes_on_in_the_copy);
	tcase_add_test(
	    t, rule_7_a_player_that_skips_gets_the_headers_of_where_it_lands);
	tcase_add_test(
	    t, rule_7_a_header_change_reaches_runners_and_joiners_in_order);
	tcase_add_test(t, rule_7_metadata_too_large_is_passed_on_and_not_kept);
	tcase_add_test(t, rule_8_a_joiner_begins_at_the_newest_keyframe);
	tcase_add_test(t, rule_8_without_video_any_message_is_a_start);
	tcase_add_test(t, a_pause_goes_on_behind_what_was_seen);
	tcase_add_test(t, a_joiner_that_waits_for_a_keyframe_skips_nothing);
	tcase_add_test(
	    t, receive_audio_leaves_out_audio_and_brings_its_header_back);
	tcase_add_test(t, rule_8_a_keyframe_too_old_is_no_start);
	tcase_add_test(
	    t, rule_9_the_first_media_is_at_1000_and_a_republish_goes_on);
	tcase_add_test(t, rule_10_audio_waits_at_most_40_ms_for_video);
	tcase_add_test(t, latency_lowest_sends_every_message_at_once);
	tcase_add_test(t, latency_window_sends_once_in_a_window);
	tcase_add_test(t, latency_balanced_of_a_busy_worker_sends_less_often);
	tcase_add_test(t, rule_11_a_publisher_that_was_silent_is_read_at_once);
	tcase_add_test(
	    t, rule_11_audio_overtakes_a_video_message_that_is_not_complete);
	tcase_add_test(t,
	    rule_11_a_message_above_a_quarter_of_the_quota_ends_its_publisher);
	tcase_add_test(t, rule_11_input_behind_publish_waits_for_the_answer);
	tcase_add_test(
	    t, rule_11_an_end_of_file_behind_publish_comes_after_the_input);
	tcase_add_test(t, rule_11_a_publisher_far_ahead_of_time_is_read_slowly);
	tcase_add_test(t, rule_11_a_dropped_message_is_followed_by_a_keyframe);
	tcase_add_test(t, rule_11_chunk_streams_grow_once_and_have_a_limit);
	tcase_add_test(
	    t, rule_12_set_chunk_size_comes_once_before_the_answer_to_connect);
	tcase_add_test(t, rule_13_accept_pauses_100_ms_when_out_of_files);
	tcase_add_test(t, rule_13_a_completion_without_more_still_counts);
	tcase_add_test(t, rule_14_every_turn_counts_for_the_watchdog);
	tcase_add_test(t, rule_15_a_silent_publisher_loses_its_name);
	tcase_add_test(t, rule_15_a_publisher_that_sends_keeps_its_name);
	tcase_add_test(
	    t, rule_15_a_grant_for_a_client_that_is_gone_is_given_back);
	tcase_add_test(t, rule_16_viewers_are_told_at_once_of_a_goodbye);
	tcase_add_test(
	    t, rule_16_viewers_are_told_of_a_loss_after_the_grace_time);
	tcase_add_test(t,
	    rule_16_a_stream_that_ends_frees_a_blocked_player_after_draining);
	tcase_add_test(
	    t, rule_17_a_refused_client_gets_the_answer_and_time_to_read_it);
	tcase_add_test(t, rule_18_a_log_that_takes_no_line_stops_nobody);
	tcase_add_test(t,
	    rule_19_without_a_master_players_go_on_and_nobody_publishes_anew);
	tcase_add_test(
	    t, rule_20_without_memory_newcomers_are_refused_and_players_go_on);
	tcase_add_test(t, keys_go_to_the_master_and_into_no_name);
	tcase_add_test(t, a_refused_publisher_is_told_and_may_ask_again);
	tcase_add_test(
	    t, a_publisher_whose_stream_is_taken_away_is_told_and_closed);
	tcase_add_test(
	    t, a_stream_taken_away_leaves_the_others_of_its_connection);
	tcase_add_test(t, a_name_may_be_refused_with_words);
	tcase_add_test(t, more_keys_than_are_passed_on_are_refused);
	tcase_add_test(t, a_play_that_needs_it_waits_for_the_masters_word);
	tcase_add_test(t, a_refused_player_is_told_and_may_ask_again);
	tcase_add_test(t, a_player_that_leaves_before_the_word_is_forgotten);
	tcase_add_test(
	    t, without_a_master_plays_that_need_its_word_are_refused);
	tcase_add_test(t, a_player_that_is_too_slow_skips_to_a_newer_keyframe);
	tcase_add_test(t, several_plays_of_one_connection_are_told_apart);
	tcase_add_test(t, a_dialled_connection_is_no_client);
	tcase_add_test(t, a_quarter_of_the_table_is_for_the_dialled);
	tcase_add_test(t, any_byte_keeps_the_name_of_a_publisher);
	tcase_add_test(t, a_silent_publisher_loses_its_name_and_viewers_stay);
}

int
main(void)
{
	Suite *s = suite_create("session");
	TCase *t = tcase_create("session");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, begin, end);
	add_all(t);
	tcase_add_loop_test(
	    t, rule_6_both_paths_survive_a_short_send_at_every_byte, 1, 3);
	tcase_add_loop_test(t, a_session_may_be_cut_at_every_byte, 0, 4);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
