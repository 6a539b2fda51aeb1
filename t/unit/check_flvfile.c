/* check_flvfile - one case per promise of bench/flvfile.h. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/flvfile.h"
#include "common/cursor.h"
#include "rtmp/wire.h"

static uint8_t bytes[4096];
static struct writer w;
static char path[] = "/tmp/check_flvfile.XXXXXX";

static void
begin(void)
{
	writer_init(&w, bytes, sizeof(bytes));
	writer_bytes(&w, "FLV\1\5\0\0\0\11\0\0\0\0", 13);
}

static void
tag(uint8_t type, uint32_t ms, const char *body, size_t len)
{
	writer_u8(&w, type);
	writer_u24(&w, (uint32_t)len);
	writer_u24(&w, ms & 0xffffff);
	writer_u8(&w, (uint8_t)(ms >> 24));
	writer_u24(&w, 0);
	writer_bytes(&w, body, len);
	writer_u32(&w, (uint32_t)len + 11);
}

#define VIDEO(ms, body) tag(WIRE_VIDEO, ms, body, sizeof(body) - 1)
#define AUDIO(ms, body) tag(WIRE_AUDIO, ms, body, sizeof(body) - 1)
#define AVC_HEADER	"\x17\0\0\0\0h"
#define AVC_END		"\x17\2\0\0\0"
#define KEY		"\x17\1\0\0\0k"
#define OTHER		"\x27\1\0\0\0p"
#define SOUND		"\xaf\1s"

/* The first n bytes of what was written, as a file. */
static int
open_bytes(struct flvfile *f, size_t n)
{
	ck_assert(writer_ok(&w));
	strcpy(path + strlen(path) - 6, "XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	int err = flvfile_open(f, path);
	unlink(path);
	return err;
}

/* Metadata, header, three frames from 40 ms on, the end of the sequence. */
static void
ordinary_file(void)
{
	begin();
	tag(WIRE_DATA, 0, "meta", 4);
	VIDEO(1000, AVC_HEADER);
	VIDEO(1000, KEY);
	AUDIO(1005, SOUND);
	VIDEO(1040, OTHER);
	AUDIO(1028, SOUND);
	VIDEO(1080, OTHER);
	VIDEO(1080, AVC_END);
}

START_TEST(rounds_follow_without_a_jump)
{
	struct flvfile f;
	ordinary_file();
	ck_assert_int_eq(open_bytes(&f, w.len), 0);
	ck_assert_uint_eq(f.count, 7);
	ck_assert_uint_eq(f.round_ms, 120);
	static const uint64_t want[] = { 0, 0, 0, 5, 40, 28, 80, 120, 125, 160,
		148, 200, 240 };
	struct flvfile_at at = { 0 };
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		ck_assert_uint_eq(flvfile_ms(&f, &at), want[i]);
		flvfile_next(&f, &at);
	}
	flvfile_close(&f);
}
END_TEST

START_TEST(headers_and_metadata_come_once)
{
	struct flvfile f;
	ordinary_file();
	ck_assert_int_eq(open_bytes(&f, w.len), 0);
	struct flvfile_at at = { .round = 0, .tag = 6 };
	flvfile_next(&f, &at);
	ck_assert_uint_eq(at.round, 1);
	ck_assert_uint_eq(at.tag, 2);
	flvfile_close(&f);
}
END_TEST

START_TEST(headers_that_change_come_again)
{
	struct flvfile f;
	begin();
	VIDEO(0, AVC_HEADER);
	VIDEO(0, KEY);
	VIDEO(40, AVC_HEADER "2");
	VIDEO(40, KEY);
	ck_assert_int_eq(open_bytes(&f, w.len), 0);
	struct flvfile_at at = { .round = 0, .tag = 3 };
	flvfile_next(&f, &at);
	ck_assert_uint_eq(at.tag, 0);
	flvfile_close(&f);
}
END_TEST

/* What the recorder could not finish. */
START_TEST(a_file_cut_anywhere_gives_its_whole_tags_or_an_error)
{
	ordinary_file();
	for (size_t n = 1; n < w.len; n++) {
		struct flvfile f;
		int err = open_bytes(&f, n);
		if (err == 0) {
			for (uint32_t i = 0; i < f.count; i++)
				ck_assert_uint_le(
				    f.tags[i].at + f.tags[i].len, n);
			flvfile_close(&f);
		} else {
			ck_assert(err == -EBADMSG || err == -ENODATA);
		}
	}
}
END_TEST

START_TEST(others_are_refused)
{
	struct flvfile f;
	ck_assert_int_eq(flvfile_open(&f, "/nonexistent"), -ENOENT);
	begin();
	bytes[3] = 2;
	ck_assert_int_eq(open_bytes(&f, w.len), -EBADMSG);
	begin();
	tag(WIRE_DATA, 0, "meta", 4);
	ck_assert_int_eq(open_bytes(&f, w.len), -ENODATA);
	/* a length, but nothing that could come again */
	begin();
	AUDIO(0, SOUND);
	tag(7, 0, "?", 1);
	ck_assert_int_eq(open_bytes(&f, w.len), -EBADMSG);
	begin();
	VIDEO(0, AVC_HEADER);
	VIDEO(100, AVC_END);
	VIDEO(200, AVC_END);
	ck_assert_int_eq(open_bytes(&f, w.len), -ENODATA);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("flvfile");
	tcase_add_test(tc, rounds_follow_without_a_jump);
	tcase_add_test(tc, headers_and_metadata_come_once);
	tcase_add_test(tc, headers_that_change_come_again);
	tcase_add_test(
	    tc, a_file_cut_anywhere_gives_its_whole_tags_or_an_error);
	tcase_add_test(tc, others_are_refused);
	Suite *s = suite_create("flvfile");
	suite_add_tcase(s, tc);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
