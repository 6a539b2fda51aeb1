/* check_log - events become lines: common/log.h, logbuf.h, lograte.h. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/events.h"
#include "common/log.h"
#include "common/logbuf.h"
#include "common/lograte.h"
#include "t/logcheck.h"

static int end;
static char line[LOG_LINE_MAX + 1];

static void
setup(void)
{
	int sv[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv), 0);
	end = sv[0];
	log_open(sv[1], LOG_LEVEL_DEBUG);
}

/* The next line into `line`; false: there is none. */
static bool
got(void)
{
	ssize_t n = recv(end, line, sizeof line - 1, MSG_DONTWAIT);
	line[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

static json_t *
next(void)
{
	char err[400];
	ck_assert(got());
	if (!logcheck_line(line, strlen(line), err, sizeof err))
		ck_abort_msg("%s: %.300s", err, line);
	return json_loads(line, JSON_REJECT_DUPLICATES, NULL);
}

static const char *
text_of(const json_t *j, const char *name)
{
	return json_string_value(json_object_get(j, name));
}

static json_int_t
int_of(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

START_TEST(a_call_is_a_line_of_the_table)
{
	LOG(publish_start, .client = 7, .addr = "192.0.2.1:5",
	    .app = { "live", 4 }, .stream = { "demo", 4 }, .worker = 1,
	    .waited_ms = 12);
	json_t *j = next();
	ck_assert_str_eq(text_of(j, "event"), "publish.start");
	ck_assert_str_eq(text_of(j, "level"), "info");
	ck_assert_str_eq(text_of(j, "stream"), "demo");
	ck_assert_int_eq(int_of(j, "pid"), getpid());
	ck_assert_int_eq(int_of(j, "client"), 7);
	ck_assert_int_eq(int_of(j, "waited_ms"), 12);
	json_decref(j);
}
END_TEST

START_TEST(what_is_not_set_is_null_or_left_out)
{
	LOG_AT(LOG_LEVEL_INFO, worker_exit, .status = { true, -3 },
	    .reason = "stop");
	json_t *j = next();
	ck_assert_int_eq(int_of(j, "status"), -3);
	ck_assert(json_is_null(json_object_get(j, "signal")));
	ck_assert_str_eq(text_of(j, "level"), "info");
	json_decref(j);
	LOG(config_notice, .text = "many", .count = { true, 3 });
	j = next();
	ck_assert_ptr_null(json_object_get(j, "line"));
	ck_assert_ptr_null(json_object_get(j, "file"));
	ck_assert_int_eq(int_of(j, "count"), 3);
	json_decref(j);
}
END_TEST

START_TEST(a_text_that_must_be_there_is_not_null)
{
	LOG(worker_unfit, .what = "kernel");
}
END_TEST

START_TEST(no_text_breaks_a_line_and_all_fit)
{
	static char bad[4096];
	static const unsigned char fill[] = { 0x01, '"', '\\', 0xff, 0xc0, 0xed,
		0xf4, 0x7f, '\n', 0 };
	for (unsigned i = 0; i < sizeof fill; i++) {
		memset(bad, fill[i], sizeof bad);
		struct span s = { bad, sizeof bad };
		LOG(stream_start, .vhost = s, .app = s, .instance = s,
		    .stream = s, .addr = s);
		json_decref(next());
	}
	const char *path = memset(bad, 0x02, sizeof bad - 1);
	const char *const listen[] = { path };
	LOG(server_start, .version = path, .listen = { listen, 1 },
	    .conf = path, .run = path, .log = path, .worker_program = path);
	json_decref(next());
	ck_assert_uint_eq(log_dropped(), 0);
}
END_TEST

START_TEST(texts_keep_their_characters)
{
	LOG(ban_lift, .what = { "\xc3\xa4\"\\\t\xff\xe2\x82", 8 });
	json_t *j = next();
	ck_assert_str_eq(text_of(j, "what"),
	    "\xc3\xa4\"\\\t\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	json_decref(j);
}
END_TEST

START_TEST(numbers_are_json_whatever_they_are)
{
	char buf[512];
	struct logbuf l;
	logbuf_begin(&l, buf, sizeof buf);
	logbuf_name(&l, "a");
	logbuf_u64(&l, UINT64_MAX);
	logbuf_name(&l, "b");
	logbuf_i64(&l, INT64_MIN);
	logbuf_name(&l, "c");
	logbuf_real(&l, (double)NAN);
	logbuf_name(&l, "d");
	logbuf_real(&l, -1.0005e3);
	size_t n = logbuf_end(&l);
	ck_assert_uint_gt(n, 0);
	buf[n] = '\0';
	ck_assert_str_eq(buf,
	    "{\"a\":9223372036854775807,\"b\":-9223372036854775808,"
	    "\"c\":0.000,\"d\":-1000.500}");
}
END_TEST

START_TEST(what_does_not_fit_is_no_line)
{
	char buf[16];
	for (size_t cap = 1; cap <= sizeof buf; cap++) {
		struct logbuf l;
		logbuf_begin(&l, buf, cap);
		logbuf_name(&l, "a");
		logbuf_text(&l, "bcde", 4, 100);
		size_t n = logbuf_end(&l);
		ck_assert_uint_eq(n, cap >= 12 ? 12 : 0);
	}
}
END_TEST

START_TEST(levels_below_the_least_are_not_written)
{
	log_open(1000, LOG_LEVEL_NOTICE);
	LOG(play_stop, .client = 1);
	ck_assert_uint_eq(log_dropped(), 0);
	ck_assert(!log_wants(LOG_LEVEL_INFO));
	LOG(ban_lift, .what = { "x", 1 }); /* no such descriptor */
	ck_assert_uint_eq(log_dropped(), 1);
}
END_TEST

/* A socket that nobody reads takes some lines; the others are counted. */
START_TEST(a_full_socket_drops_and_counts)
{
	enum { MANY = 20000 };
	for (unsigned i = 0; i < MANY; i++)
		LOG(ban_lift, .what = { "x", 1 });
	unsigned n = 0;
	while (got())
		n++;
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_gt(log_dropped(), 0);
	ck_assert_uint_eq(n + log_dropped(), MANY);
}
END_TEST

START_TEST(a_bucket_gives_its_burst_and_then_its_rate)
{
	struct lograte r = { 0 };
	struct mono now = { 12345 * NS_PER_S };
	unsigned n = 0;
	while (lograte_take(&r, 10, 100, now))
		n++;
	ck_assert_uint_eq(n, 100);
	n = 0;
	for (unsigned i = 0; i < 10000; i++) { /* ten seconds */
		now.ns += NS_PER_MS;
		n += lograte_take(&r, 10, 100, now);
	}
	ck_assert_uint_eq(n, 100);
	ck_assert_uint_eq(lograte_told(&r), 1 + 10000 - 100);
	ck_assert_uint_eq(lograte_told(&r), 0);
	now.ns += 3600 * NS_PER_S;
	for (n = 0; lograte_take(&r, 10, 100, now);)
		n++;
	ck_assert_uint_eq(n, 100);
}
END_TEST

START_TEST(sub_millisecond_calls_fill_the_bucket_too)
{
	struct lograte r = { 0 };
	struct mono now = { NS_PER_S };
	unsigned n = 0;
	for (unsigned i = 0; i < 100000; i++) { /* ten seconds */
		now.ns += NS_PER_MS / 10;
		n += lograte_take(&r, 5, 1, now);
	}
	ck_assert_uint_ge(n, 50);
	ck_assert_uint_le(n, 52);
}
END_TEST

START_TEST(without_a_rate_there_is_no_limit)
{
	struct lograte r = { 0 };
	for (unsigned i = 0; i < 100000; i++)
		ck_assert(lograte_take(&r, 0, 0, (struct mono){ 1 }));
	ck_assert(lograte_due(&r) == UINT64_MAX);
}
END_TEST

/* 10000 failures: the burst, then one line with the number of the others. */
START_TEST(what_is_suppressed_is_told_with_its_number)
{
	const struct event_info *e = event_info(EVENT_publish_refused);
	unsigned lines = 0;
	for (unsigned i = 0; i < 10000; i++) {
		LOG(publish_refused, .client = i, .addr = "192.0.2.1:1",
		    .stream = { "x", 1 }, .reason = REASON_NAME_TAKEN,
		    .text = "taken");
		while (got())
			lines++;
	}
	ck_assert_uint_ge(lines, e->burst);
	ck_assert_uint_lt(lines, 5000);
	struct mono now = clock_now();
	uint64_t due = log_tick(now);
	ck_assert(!got());
	ck_assert_uint_gt(due, now.ns);
	ck_assert(log_tick((struct mono){ due }) == UINT64_MAX);
	json_t *j = next();
	ck_assert_str_eq(text_of(j, "event"), "log.suppressed");
	ck_assert_str_eq(text_of(j, "suppressed"), "publish.refused");
	ck_assert_int_eq(int_of(j, "count") + lines, 10000);
	json_decref(j);
	ck_assert(!got());
	log_flush();
	ck_assert(!got());
}
END_TEST

START_TEST(the_end_tells_at_once)
{
	const struct event_info *e = event_info(EVENT_chunk_error);
	for (unsigned i = 0; i < e->burst + 1000; i++) {
		LOG(chunk_error, .error = "x");
		got();
	}
	log_flush();
	json_t *j = next();
	ck_assert_str_eq(text_of(j, "suppressed"), "chunk.error");
	json_decref(j);
}
END_TEST

/* The table. -------------------------------------------------------------- */

static int
kind_of(enum event_type t)
{
	return t == EVENT_TYPE_U64 || t == EVENT_TYPE_I64 ||
		       t == EVENT_TYPE_MAYBE
		   ? 'i'
	       : t == EVENT_TYPE_STR || t == EVENT_TYPE_TEXT ||
		       t == EVENT_TYPE_REASON
		   ? 's'
	       : t == EVENT_TYPE_BOOL ? 'b'
	       : t == EVENT_TYPE_REAL ? 'r'
				      : 'l';
}

static void
same_type_everywhere(const struct event_field *f)
{
	for (unsigned i = 0; i < EVENT_COUNT; i++)
		for (const struct event_field *g =
			 event_info((enum event)i)->fields;
		     g->name; g++)
			if (strcmp(f->name, g->name) == 0 &&
			    kind_of(f->type) != kind_of(g->type))
				ck_abort_msg("%s has two types (%s)", f->name,
				    event_info((enum event)i)->name);
}

START_TEST(a_name_has_one_type_in_all_events)
{
	for (unsigned i = 0; i < EVENT_COUNT; i++)
		for (const struct event_field *f =
			 event_info((enum event)i)->fields;
		     f->name; f++)
			same_type_everywhere(f);
}
END_TEST

START_TEST(names_are_words_and_units_are_in_them)
{
	for (unsigned i = 0; i < EVENT_COUNT; i++) {
		const struct event_info *e = event_info((enum event)i);
		ck_assert_uint_eq(event_find(e->name), i);
		ck_assert_uint_eq(
		    strspn(e->name, "abcdefghijklmnopqrstuvwxyz_."),
		    strlen(e->name));
		ck_assert_ptr_nonnull(strchr(e->name, '.'));
		ck_assert((e->per_s == 0) == (e->burst == 0));
		for (const struct event_field *f = e->fields; f->name; f++) {
			ck_assert(*f->text);
			if (strcmp(f->unit, "ms") == 0)
				ck_assert_ptr_nonnull(strstr(f->name, "_ms"));
		}
	}
	ck_assert_uint_eq(event_find("no.such"), EVENT_COUNT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_call_is_a_line_of_the_table);
	tcase_add_test(t, what_is_not_set_is_null_or_left_out);
	tcase_add_test_raise_signal(
	    t, a_text_that_must_be_there_is_not_null, SIGABRT);
	tcase_add_test(t, no_text_breaks_a_line_and_all_fit);
	tcase_add_test(t, texts_keep_their_characters);
	tcase_add_test(t, numbers_are_json_whatever_they_are);
	tcase_add_test(t, what_does_not_fit_is_no_line);
	tcase_add_test(t, levels_below_the_least_are_not_written);
	tcase_add_test(t, a_full_socket_drops_and_counts);
	tcase_add_test(t, a_bucket_gives_its_burst_and_then_its_rate);
	tcase_add_test(t, sub_millisecond_calls_fill_the_bucket_too);
	tcase_add_test(t, without_a_rate_there_is_no_limit);
	tcase_add_test(t, what_is_suppressed_is_told_with_its_number);
	tcase_add_test(t, the_end_tells_at_once);
	tcase_add_test(t, a_name_has_one_type_in_all_events);
	tcase_add_test(t, names_are_words_and_units_are_in_them);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
