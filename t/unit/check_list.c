#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "ctl/client.h"
#include "ctl/edge.h"
#include "ctl/list.h"
#include "ctl/output.h"
#include "ctl/stream.h"

/* A server's memory without a server: two slots, mapped as sluicectl does. */
static struct arena master;
static struct attach at;
static struct mono now;

enum { GEN = 3, OWNER = 1, INCARNATION = 8, ROWS = 65536 };
#define CLIENT ((uint64_t)OWNER << 48 | 5)
#define STREAM "evil\x1b\xff"

static void
setup(void)
{
	struct arena_size size = {
		.nslots = 2, .nblocks = 100, .nrows = ROWS, .bytes = 64 << 20
	};
	struct arena_fds fds;
	ck_assert_int_eq(arena_create(&master, &size, &fds), 0);
	ck_assert_int_eq(
	    arena_map(&at.arena, fds.control_ro, -1, fds.slot_ro, 2, -1, -1),
	    0);
	at.nslots = 2;
	at.hello = json_pack("{s:b, s:s}", "ok", 1, "version", "1");
	memcpy(at.slot_fd, fds.slot_ro, sizeof at.slot_fd);
	now = (struct mono){ clock_now().ns + 100 * NS_PER_S };
}

static void
teardown(void)
{
	arena_unmap(&at.arena);
	arena_unmap(&master);
	json_decref(at.hello);
}

static struct client_row *
add_row(uint32_t i, uint64_t id, enum row_role role)
{
	struct client_row *r = arena_row(&master, OWNER, i);
	row_begin(r);
	strcpy(r->addr, "192.0.2.1:4711");
	r->keylen = (uint32_t)directory_make_key(
	    r->key, "v", 1, "live", 4, "i", 1, STREAM, strlen(STREAM));
	row_end(r);
	r->id = id;
	r->since_ns = now.ns - 2 * NS_PER_S;
	r->role = role;
	return r;
}

/* Publish STREAM in block b of slot OWNER. */
static struct block *
add_stream(uint32_t b, enum block_state state)
{
	char key[DIR_KEY_MAX];
	size_t n = directory_make_key(
	    key, "v", 1, "live", 4, "i", 1, STREAM, strlen(STREAM));
	int64_t entry = directory_enter(&master, key, n, 1);
	ck_assert_int_ge(entry, 0);
	struct block *k = &master.control->block[b];
	k->owner = OWNER;
	k->dir = (uint32_t)entry;
	k->owner_incarnation = INCARNATION;
	k->publisher = CLIENT;
	k->since_ns = now.ns - 65 * NS_PER_S;
	k->end_reason = REASON_UNPUBLISHED;
	k->state_gen = state_gen(state, GEN);
	master.control->worker[OWNER].incarnation = INCARNATION;
	master.control->worker[OWNER].state = WORKER_UP;
	master.control->worker[OWNER].pid = 4242;
	struct ring_half *h = arena_half(&master, OWNER, b);
	h->gen = GEN;
	h->tail = RING_START;
	h->head = RING_START + 1000000;
	h->last_ns = now.ns;
	h->join[1][3].pos = RING_START;
	h->join[1][3].ns = now.ns - 4 * NS_PER_S;
	memcpy(&h->video_codec, "avc", 3);
	h->width = 1280;
	h->height = 720;
	for (uint32_t s = 0; s < 8; s++)
		*arena_owner(&master, OWNER, s) = owner_word(b, GEN);
	*arena_owner(&master, OWNER, 9) = owner_word(b, GEN + 1);
	return k;
}

/* Member of row i of a list as a number; -1 for null. */
static double
number(const json_t *list, size_t i, const char *path)
{
	const json_t *v = output_member(json_array_get(list, i), path);
	return json_is_number(v) ? json_number_value(v) : -1;
}

static const char *
string(const json_t *list, size_t i, const char *path)
{
	const char *s =
	    json_string_value(output_member(json_array_get(list, i), path));
	return s ? s : "(null)";
}

START_TEST(a_stream_has_its_publisher_ring_and_readers)
{
	add_stream(70, BLOCK_LIVE);
	add_row(0, CLIENT, ROW_PUBLISH);
	master.slot[0]->readers[70] = 9; /* without interest: left over */
	master.slot[1]->readers[70] = 4;
	master.slot[1]->interest[1] = UINT64_C(1) << 6;
	json_t *l = stream_list(&at, now);
	ck_assert_uint_eq(json_array_size(l), 1);
	ck_assert_str_eq(string(l, 0, "name"), "evil\x1b\xef\xbf\xbd");
	ck_assert_str_eq(string(l, 0, "vhost"), "v");
	ck_assert_str_eq(string(l, 0, "app"), "live");
	ck_assert_str_eq(string(l, 0, "instance"), "i");
	ck_assert_str_eq(string(l, 0, "state"), "live");
	ck_assert_str_eq(string(l, 0, "end_reason"), "(null)");
	ck_assert_double_eq(number(l, 0, "since_s"), 65);
	ck_assert_double_eq(number(l, 0, "publisher.pid"), 4242);
	ck_assert_double_eq(number(l, 0, "publisher.worker"), OWNER);
	ck_assert_double_eq(number(l, 0, "publisher.id"), (double)CLIENT);
	ck_assert_str_eq(string(l, 0, "publisher.addr"), "192.0.2.1:4711");
	ck_assert_str_eq(string(l, 0, "publisher.kind"), "client");
	ck_assert_double_eq(number(l, 0, "readers.total"), 4);
	ck_assert_double_eq(number(l, 0, "ring.bytes"), 1000000);
	ck_assert_double_eq(number(l, 0, "ring.seconds"), 4);
	ck_assert_double_eq(number(l, 0, "ring.segments"), 8);
	ck_assert_double_eq(number(l, 0, "bitrate_in"), 2000000);
	ck_assert_str_eq(string(l, 0, "video.codec"), "avc");
	ck_assert_double_eq(number(l, 0, "video.width"), 1280);
	ck_assert_str_eq(string(l, 0, "audio.codec"), "(null)");
	ck_assert_uint_eq(stream_count(&at.arena, -1), 1);
	ck_assert_uint_eq(stream_count(&at.arena, 0), 0);
	json_decref(l);
}
END_TEST

START_TEST(an_ended_stream_says_why_and_a_dead_publisher_has_no_pid)
{
	add_stream(0, BLOCK_ENDED);
	master.control->worker[OWNER].incarnation = INCARNATION + 1;
	json_t *l = stream_list(&at, now);
	ck_assert_str_eq(string(l, 0, "state"), "ended");
	ck_assert_str_eq(string(l, 0, "end_reason"), "unpublished");
	ck_assert_double_eq(number(l, 0, "publisher.pid"), -1);
	ck_assert_str_eq(string(l, 0, "publisher.addr"), "(null)");
	ck_assert_uint_eq(stream_count(&at.arena, -1), 0);
	json_decref(l);
}
END_TEST

START_TEST(a_ring_of_another_generation_is_shown_empty)
{
	add_stream(0, BLOCK_LIVE);
	arena_half(&master, OWNER, 0)->gen = GEN - 1;
	json_t *l = stream_list(&at, now);
	ck_assert_double_eq(number(l, 0, "ring.bytes"), 0);
	ck_assert_double_eq(number(l, 0, "bitrate_in"), -1);
	ck_assert_str_eq(string(l, 0, "video.codec"), "(null)");
	json_decref(l);
}
END_TEST

START_TEST(nonsense_in_shared_memory_is_shown_as_nothing)
{
	struct block *k = add_stream(0, BLOCK_LIVE);
	struct ring_half *h = arena_half(&master, OWNER, 0);
	h->head = 5;
	h->video_codec = UINT64_MAX;
	h->frames = UINT64_MAX;
	h->join[1][3].ns = UINT64_MAX;
	k->dir = UINT32_MAX;
	k->since_ns = UINT64_MAX;
	k->end_reason = UINT32_MAX;
	master.control->worker[OWNER].state = UINT32_MAX;
	struct client_row *r = add_row(1, UINT64_MAX, ROW_PLAY);
	r->role = 77;
	r->keylen = UINT32_MAX;
	memset(r->addr, 'x', sizeof r->addr);
	memset(r->agent, 0xff, sizeof r->agent);
	json_t *l = stream_list(&at, now);
	ck_assert_double_eq(number(l, 0, "ring.bytes"), 0);
	ck_assert_double_eq(number(l, 0, "since_s"), 0);
	ck_assert_str_eq(string(l, 0, "name"), "");
	json_decref(l);
	k->owner = UINT32_MAX;
	l = stream_list(&at, now);
	ck_assert_uint_eq(json_array_size(l), 0);
	json_decref(l);
	l = client_list(&at, now);
	ck_assert_str_eq(string(l, 0, "role"), "unknown");
	ck_assert_uint_eq(strlen(string(l, 0, "addr")), 63);
	json_decref(l);
	l = list_workers(&at, now);
	ck_assert_str_eq(string(l, OWNER, "state"), "unknown");
	json_decref(l);
}
END_TEST

START_TEST(a_client_has_its_name_and_times)
{
	add_row(3, CLIENT, ROW_PLAY);
	json_t *l = client_list(&at, now);
	ck_assert_uint_eq(json_array_size(l), 1);
	ck_assert_str_eq(string(l, 0, "role"), "play");
	ck_assert_str_eq(string(l, 0, "app"), "live");
	ck_assert_str_eq(string(l, 0, "stream"), "evil\x1b\xef\xbf\xbd");
	ck_assert_double_eq(number(l, 0, "connected_s"), 2);
	ck_assert_double_eq(number(l, 0, "worker"), OWNER);
	json_decref(l);
}
END_TEST

START_TEST(a_client_before_its_stream_has_app_and_instance)
{
	struct client_row *r = add_row(3, CLIENT, ROW_IDLE);
	memcpy(r->key, "live\0i", r->keylen = 6);
	json_t *l = client_list(&at, now);
	ck_assert_str_eq(string(l, 0, "vhost"), "(null)");
	ck_assert_str_eq(string(l, 0, "app"), "live");
	ck_assert_str_eq(string(l, 0, "instance"), "i");
	ck_assert_str_eq(string(l, 0, "stream"), "(null)");
	json_decref(l);
}
END_TEST

START_TEST(a_client_before_its_stream_may_have_a_vhost)
{
	struct client_row *r = add_row(3, CLIENT, ROW_IDLE);
	memcpy(r->key, "v\0live\0i", r->keylen = 8);
	json_t *l = client_list(&at, now);
	ck_assert_str_eq(string(l, 0, "vhost"), "v");
	ck_assert_str_eq(string(l, 0, "app"), "live");
	ck_assert_str_eq(string(l, 0, "instance"), "i");
	ck_assert_str_eq(string(l, 0, "stream"), "(null)");
	json_decref(l);
}
END_TEST

START_TEST(a_row_whose_worker_stopped_inside_a_change_is_listed)
{
	row_begin(add_row(3, CLIENT, ROW_PLAY));
	json_t *l = client_list(&at, now);
	ck_assert_double_eq(number(l, 0, "id"), (double)CLIENT);
	ck_assert_str_eq(string(l, 0, "addr"), "(null)");
	ck_assert_str_eq(string(l, 0, "stream"), "(null)");
	json_decref(l);
}
END_TEST

START_TEST(listing_clients_takes_no_memory_for_unused_rows)
{
	struct stat before, after;
	add_row(0, CLIENT, ROW_PLAY);
	add_row(ROWS - 1, CLIENT + 1, ROW_PLAY);
	json_decref(list_workers(&at, now)); /* reads the owner words */
	ck_assert_int_eq(fstat(at.slot_fd[OWNER], &before), 0);
	json_t *l = client_list(&at, now);
	ck_assert_int_eq(fstat(at.slot_fd[OWNER], &after), 0);
	ck_assert_uint_eq(json_array_size(l), 2);
	ck_assert_int_lt(after.st_blocks - before.st_blocks, 64);
	json_decref(l);
}
END_TEST

START_TEST(counters_are_summed_and_given_by_worker)
{
	master.slot[0]->counters[COUNTER_BYTES_IN] = 5;
	master.slot[1]->counters[COUNTER_BYTES_IN] = 7;
	master.slot[1]->counters[COUNTER_REASONS + REASON_STALLED] = 2;
	master.slot[1]->resident = 12;
	add_stream(0, BLOCK_LIVE);
	json_t *j = list_server(&at, now);
	const json_t *c = json_object_get(j, "counters");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(c, "bytes.in")), 12);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(c, "closed.stalled")), 2);
	ck_assert_uint_eq(json_object_size(c), COUNTER_COUNT);
	const json_t *w = json_array_get(json_object_get(j, "by_worker"), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(
			     json_object_get(w, "counters"), "bytes.in")),
	    7);
	ck_assert_int_eq(
	    json_integer_value(output_member(j, "arena.segments_used")), 9);
	ck_assert_int_eq(
	    json_integer_value(output_member(j, "arena.bytes_resident")),
	    12 << SEGMENT_SHIFT);
	ck_assert_int_eq(
	    json_integer_value(output_member(j, "arena.bytes_limit")),
	    64 << 20);
	ck_assert(json_is_null(json_object_get(j, "log")));
	json_decref(j);
}
END_TEST

/* A row as the master gives it, with a name. */
static json_t *
pull_row(const char *vhost, const char *app, const char *stream)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:n}", "vhost", vhost,
	    "app", app, "instance", "i", "stream", stream, "bytes", 5000,
	    "delay_ms");
}

START_TEST(pulls_are_sorted_by_vhost_app_and_stream)
{
	json_t *rows = json_pack("[o, o, o, o]", pull_row("w", "a", "a"),
	    pull_row("v", "b", "a"), pull_row("v", "a", "c"),
	    pull_row("v", "a", "b"));
	edge_join(rows, NULL);
	ck_assert_uint_eq(json_array_size(rows), 4);
	ck_assert_str_eq(string(rows, 0, "stream"), "b");
	ck_assert_str_eq(string(rows, 1, "stream"), "c");
	ck_assert_str_eq(string(rows, 2, "app"), "b");
	ck_assert_str_eq(string(rows, 3, "vhost"), "w");
	ck_assert_double_eq(number(rows, 3, "viewers"), 0);
	ck_assert_double_eq(number(rows, 3, "delay_ms"), -1);
	json_decref(rows);
	rows = json_array();
	edge_join(rows, NULL);
	ck_assert_uint_eq(json_array_size(rows), 0);
	json_decref(rows);
}
END_TEST

START_TEST(a_pull_has_the_viewers_and_bytes_of_its_live_stream)
{
	struct block *k = add_stream(70, BLOCK_LIVE);
	k->pull = 1;
	master.slot[1]->readers[70] = 4;
	master.slot[1]->interest[1] = UINT64_C(1) << 6;
	json_t *streams = stream_list(&at, now);
	ck_assert_str_eq(string(streams, 0, "publisher.kind"), "upstream");
	json_t *rows = json_pack("[o, o, o]", pull_row("w", "live", "zz"),
	    pull_row("v", "live", "evil\x1b\xef\xbf\xbd"),
	    pull_row("v", "live", "evil"));
	edge_join(rows, streams);
	ck_assert_double_eq(number(rows, 0, "viewers"), 0);
	ck_assert_double_eq(number(rows, 0, "bytes"), 5000);
	ck_assert_double_eq(number(rows, 1, "viewers"), 4);
	ck_assert_double_eq(
	    number(rows, 1, "bytes"), number(streams, 0, "bytes"));
	ck_assert_double_gt(number(rows, 1, "bytes"), 5000);
	ck_assert_double_ge(number(rows, 1, "delay_ms"), 0);
	ck_assert_double_eq(
	    number(rows, 1, "delay_ms"), number(streams, 0, "silent_ms"));
	ck_assert_double_eq(number(rows, 2, "viewers"), 0);
	/* what the master knows newer is kept */
	json_object_set_new(
	    json_array_get(rows, 1), "bytes", json_integer(1 << 30));
	edge_join(rows, streams);
	ck_assert_double_eq(number(rows, 1, "bytes"), 1 << 30);
	json_decref(rows);
	json_decref(streams);
}
END_TEST

START_TEST(the_viewers_of_an_ended_stream_do_not_count)
{
	add_stream(70, BLOCK_ENDED);
	master.slot[1]->readers[70] = 4;
	master.slot[1]->interest[1] = UINT64_C(1) << 6;
	json_t *streams = stream_list(&at, now);
	json_t *rows =
	    json_pack("[o]", pull_row("v", "live", "evil\x1b\xef\xbf\xbd"));
	edge_join(rows, streams);
	ck_assert_double_eq(number(rows, 0, "viewers"), 0);
	json_decref(rows);
	json_decref(streams);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("list");
	TCase *t = tcase_create("list");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_stream_has_its_publisher_ring_and_readers);
	tcase_add_test(
	    t, an_ended_stream_says_why_and_a_dead_publisher_has_no_pid);
	tcase_add_test(t, a_ring_of_another_generation_is_shown_empty);
	tcase_add_test(t, nonsense_in_shared_memory_is_shown_as_nothing);
	tcase_add_test(t, a_client_has_its_name_and_times);
	tcase_add_test(t, a_client_before_its_stream_has_app_and_instance);
	tcase_add_test(t, a_client_before_its_stream_may_have_a_vhost);
	tcase_add_test(t, a_row_whose_worker_stopped_inside_a_change_is_listed);
	tcase_add_test(t, listing_clients_takes_no_memory_for_unused_rows);
	tcase_add_test(t, counters_are_summed_and_given_by_worker);
	tcase_add_test(t, pulls_are_sorted_by_vhost_app_and_stream);
	tcase_add_test(t, a_pull_has_the_viewers_and_bytes_of_its_live_stream);
	tcase_add_test(t, the_viewers_of_an_ended_stream_do_not_count);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
