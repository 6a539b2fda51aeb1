/* check_tree - one case per promise of rtmp/tree.h. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/tree.h"
#include "rtmp/wire.h"

enum { BUF = 4096 };

static uint8_t in[BUF], out[BUF];
static struct writer w;

static const struct tree_connect nothing = { .app = { NULL, 0 } };

static struct tree_connect
through_an_edge(void)
{
	return (struct tree_connect){ .client = span_of("192.0.2.7:4711"),
		.via = span_of("0123456789abcdef,fedcba9876543210"),
		.hops = 2 };
}

/* Begin a connect of a client; its object stands open. */
static void
begin(void)
{
	writer_init(&w, in, sizeof in);
	amf0_write_text(&w, "connect");
	amf0_write_number(&w, 1);
}

/* What was written of it, as cmd_parse() gives it, in memory that ends there. */
static struct cmd
parsed(size_t n, uint8_t **copy)
{
	struct cmd c;
	ck_assert(writer_ok(&w));
	*copy = malloc(n + 1);
	ck_assert_ptr_nonnull(*copy);
	memcpy(*copy + 1, in, n);
	ck_assert_int_eq(cmd_parse(WIRE_COMMAND, *copy + 1, n, &c), AMF0_OK);
	return c;
}

/* The connect in `in` once more, with t; its bytes in out. */
static size_t
again(const struct tree_connect *t)
{
	struct writer to;
	uint8_t *copy;
	struct cmd c = parsed(w.len, &copy);
	writer_init(&to, out, sizeof out);
	ck_assert(tree_write_connect(&to, &c, t));
	free(copy);
	return to.len;
}

static struct cmd
reread(size_t n)
{
	struct cmd c;
	ck_assert_int_eq(cmd_parse(WIRE_COMMAND, out, n, &c), AMF0_OK);
	ck_assert_int_eq(c.id, CMD_CONNECT);
	return c;
}

/* How many properties of that name are in what was written? */
static unsigned
count(size_t n, const char *name)
{
	struct cmd c = reread(n);
	struct amf0_value object, v;
	struct amf0_iter it;
	struct span key;
	unsigned k = 0;
	ck_assert_int_eq(amf0_read(&c.rest, &object), AMF0_OK);
	ck_assert_int_eq(object.type, AMF0_OBJECT);
	amf0_iter_init(&it, &object);
	while (amf0_iter_next(&it, &key, &v))
		k += span_is(key, name);
	return k;
}

/* A connect as Flash Player sends it, and properties of all kinds. */
static void
write_flash(void)
{
	begin();
	amf0_object_begin(&w);
	amf0_prop_text(&w, "app", "live");
	amf0_prop_text(&w, "flashVer", "WIN 32,0,0,1");
	amf0_prop_text(&w, "tcUrl", "rtmp://edge/live");
	amf0_prop_boolean(&w, "fpad", false);
	amf0_prop_number(&w, "capabilities", 239);
	amf0_key(&w, "");
	amf0_write_undefined(&w);
	amf0_key(&w, "list");
	amf0_strict_begin(&w, 2);
	amf0_write_text(&w, "av01");
	amf0_write_null(&w);
	amf0_key(&w, "map");
	amf0_ecma_begin(&w, 77); /* the count is a hint */
	amf0_prop_number(&w, "vp09", 3);
	amf0_object_end(&w);
	amf0_key(&w, "self");
	writer_u8(&w, AMF0_REFERENCE);
	writer_u16(&w, 0);
	amf0_object_end(&w);
}

static void
write_arguments(void)
{
	amf0_write_text(&w, "ticket");
	amf0_write_number(&w, -0.0);
	writer_u8(&w, AMF0_REFERENCE);
	writer_u16(&w, 1);
	writer_bytes(&w, "\x11\x0a\x0b\x01\x03\x61\x04\x01\x01", 9);
}

/* Objects of AMF0 ------------------------------------------------------------ */

START_TEST(without_replacements_it_goes_on_byte_for_byte)
{
	write_flash();
	write_arguments();
	ck_assert_uint_eq(again(&nothing), w.len);
	ck_assert_mem_eq(out, in, w.len);
}
END_TEST

START_TEST(what_is_ours_comes_last_and_nothing_else_is_touched)
{
	struct tree_connect t = through_an_edge();
	struct cmd_connect cc;
	write_flash();
	size_t object = w.len - 3; /* without its end */
	write_arguments();
	size_t n = again(&t), args = w.len - object - 3;
	ck_assert_mem_eq(out, in, object);
	ck_assert_mem_eq(out + n - args, in + w.len - args, args);
	struct cmd c = reread(n);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	ck_assert(span_equal(cc.client, t.client));
	ck_assert(span_equal(cc.via, t.via));
	ck_assert(cc.hops == 2);
	ck_assert(span_is(cc.app, "live"));
	ck_assert(span_is(cc.tc_url, "rtmp://edge/live"));
}
END_TEST

START_TEST(app_and_url_are_replaced_where_they_stand)
{
	struct tree_connect t = { .app = span_of("other/room"),
		.url = span_of("rtmp://origin:1936/other/room") };
	struct cmd_connect cc;
	write_flash();
	size_t n = again(&t);
	struct cmd c = reread(n);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	ck_assert(span_equal(cc.app, t.app));
	ck_assert(span_equal(cc.tc_url, t.url));
	ck_assert(span_is(cc.flash_ver, "WIN 32,0,0,1"));
	ck_assert_uint_eq(count(n, "app"), 1);
	ck_assert_uint_eq(count(n, "tcUrl"), 1);
	ck_assert_uint_eq(count(n, "self"), 1);
}
END_TEST

START_TEST(app_and_url_are_added_where_they_are_missing)
{
	struct tree_connect t = { .app = span_of("a"), .url = span_of("b") };
	struct cmd_connect cc;
	begin();
	amf0_object_begin(&w);
	amf0_object_end(&w);
	struct cmd c = reread(again(&t));
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	ck_assert(span_is(cc.app, "a"));
	ck_assert(span_is(cc.tc_url, "b"));
}
END_TEST

/* A reader may believe the first, or the last. */
START_TEST(of_two_of_one_name_both_are_replaced)
{
	struct tree_connect t = { .app = span_of("new") };
	begin();
	amf0_object_begin(&w);
	amf0_prop_text(&w, "app", "old");
	amf0_prop_number(&w, "app", 5);
	amf0_prop_text(&w, "tcUrl", "x");
	amf0_prop_text(&w, "tcUrl", "y");
	amf0_object_end(&w);
	size_t n = again(&t);
	ck_assert_uint_eq(count(n, "app"), 2);
	ck_assert_uint_eq(count(n, "tcUrl"), 2);
	ck_assert_ptr_null(memmem(out, n, "old", 3));
	ck_assert_ptr_nonnull(memmem(out, n, "x", 1));
	ck_assert_ptr_nonnull(memmem(out, n, "y", 1));
}
END_TEST

START_TEST(a_client_cannot_speak_for_others)
{
	struct tree_connect t = through_an_edge();
	struct cmd_connect cc;
	begin();
	amf0_object_begin(&w);
	amf0_prop_text(&w, CMD_CLIENT, "203.0.113.9:1");
	amf0_prop_text(&w, CMD_CLIENT_VIA, "aaaaaaaaaaaaaaaa");
	amf0_prop_number(&w, CMD_CLIENT_HOPS, 15);
	amf0_prop_number(&w, CMD_TREE, 1);
	amf0_prop_text(&w, CMD_NODE, "bbbbbbbbbbbbbbbb");
	amf0_prop_text(&w, "sluice", "c");
	amf0_prop_text(&w, "sluiceOfTomorrow", "d");
	amf0_prop_text(&w, "sluic", "kept");
	amf0_prop_text(&w, "Sluice", "kept");
	amf0_object_end(&w);
	size_t n = again(&nothing);
	struct cmd c = reread(n);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	ck_assert_uint_eq(cc.client.len + cc.via.len + cc.node.len, 0);
	ck_assert(cc.tree == 0 && cc.hops == 0);
	ck_assert_ptr_null(memmem(out, n, "sluice", 6));
	ck_assert_uint_eq(count(n, "sluic"), 1);
	ck_assert_uint_eq(count(n, "Sluice"), 1);
	n = again(&t);
	ck_assert_uint_eq(count(n, CMD_CLIENT), 1);
	ck_assert_uint_eq(count(n, CMD_CLIENT_VIA), 1);
	ck_assert_uint_eq(count(n, CMD_CLIENT_HOPS), 1);
	ck_assert_uint_eq(count(n, CMD_TREE) + count(n, CMD_NODE), 0);
}
END_TEST

START_TEST(typed_objects_and_arrays_are_read_as_objects)
{
	for (unsigned typed = 0; typed < 2; typed++) {
		begin();
		if (typed == 1) {
			writer_u8(&w, AMF0_TYPED_OBJECT);
			writer_u16(&w, 1);
			writer_bytes(&w, "C", 1);
		} else {
			amf0_ecma_begin(&w, 0);
		}
		amf0_prop_text(&w, "app", "live");
		amf0_object_end(&w);
		ck_assert_uint_eq(count(again(&nothing), "app"), 1);
	}
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
	struct writer to;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t *copy;
		begin();
		if (i == 1)
			amf0_write_null(&w);
		else if (i == 2)
			amf0_strict_begin(&w, 0);
		else if (i == 3)
			amf0_write_text(&w, "object");
		struct cmd c = parsed(w.len, &copy);
		writer_init(&to, out, sizeof out);
		ck_assert(!tree_write_connect(&to, &c, &nothing));
		free(copy);
	}
}
END_TEST

/* Objects of AMF3 ------------------------------------------------------------ */

/* A string or key of AMF3, of less than 64 bytes. */
static void
write3(const char *s)
{
	writer_u8(&w, (uint8_t)(2 * strlen(s) + 1));
	writer_span(&w, span_of(s));
}

static void
write3_text(const char *key, const char *value)
{
	write3(key);
	writer_u8(&w, 6);
	write3(value);
}

static void
write_object3(void)
{
	begin();
	writer_bytes(&w, "\x11\x0a\x0b\x01", 4);
	write3_text("app", "live");
	write3_text("tcUrl", "rtmp://edge/live");
	write3_text("flashVer", "MAC 10");
	write3_text("pageUrl", "http://page/");
	write3_text("sluiceClient", "203.0.113.9:1");
	write3("objectEncoding");
	writer_bytes(&w, "\x04\x03", 2);
	write3("swfUrl"); /* the same string as pageUrl: by reference */
	writer_bytes(&w, "\x06\x0e", 2);
	writer_u8(&w, 1);
}

START_TEST(an_object_of_amf3_becomes_one_of_amf0)
{
	struct tree_connect t = through_an_edge();
	struct cmd_connect cc, was;
	uint8_t *copy;
	write_object3();
	write_arguments();
	struct cmd sent = parsed(w.len, &copy);
	ck_assert_int_eq(cmd_parse_connect(&sent, &was), AMF0_OK);
	ck_assert(span_equal(was.swf_url, was.page_url));
	free(copy);
	size_t n = again(&t);
	struct cmd c = reread(n);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	ck_assert(span_is(cc.app, "live"));
	ck_assert(span_is(cc.tc_url, "rtmp://edge/live"));
	ck_assert(span_is(cc.flash_ver, "MAC 10"));
	ck_assert(span_is(cc.page_url, "http://page/"));
	ck_assert(span_is(cc.swf_url, "http://page/"));
	ck_assert_uint_eq(cc.object_encoding, 3);
	ck_assert(span_equal(cc.client, t.client));
	size_t args = reader_left(&cc.args);
	ck_assert_mem_eq(cc.args.p, in + w.len - args, args);
	ck_assert_uint_eq(count(n, CMD_CLIENT), 1);
}
END_TEST

START_TEST(app_and_url_of_an_amf3_object_are_replaced)
{
	struct tree_connect t = { .app = span_of("a"), .url = span_of("b") };
	struct cmd_connect cc;
	write_object3();
	size_t n = again(&t);
	struct cmd c = reread(n);
	ck_assert_int_eq(cmd_parse_connect(&c, &cc), AMF0_OK);
	ck_assert(span_is(cc.app, "a"));
	ck_assert(span_is(cc.tc_url, "b"));
	ck_assert_uint_eq(count(n, "app"), 1);
	ck_assert_uint_eq(count(n, "tcUrl"), 1);
}
END_TEST

/* Cut ------------------------------------------------------------------------ */

static void
every_prefix(size_t whole)
{
	struct tree_connect t = through_an_edge();
	struct writer to;
	unsigned good = 0;
	for (size_t n = 0; n <= whole; n++) {
		uint8_t *copy = malloc(n > 0 ? n : 1);
		struct cmd c;
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, in, n);
		writer_init(&to, out, sizeof out);
		if (cmd_parse(WIRE_COMMAND, copy, n, &c) == AMF0_OK &&
		    tree_write_connect(&to, &c, &t)) {
			ck_assert_uint_eq(count(to.len, CMD_CLIENT), 1);
			good++;
		}
		free(copy);
	}
	/* arguments are not looked at: from the object's end on it is whole */
	ck_assert_uint_ge(good, 1);
	ck_assert_uint_lt(good, whole);
}

START_TEST(a_connect_cut_anywhere_is_refused_or_whole)
{
	write_flash();
	every_prefix(w.len);
	write_object3();
	every_prefix(w.len);
}
END_TEST

static void
every_room(void)
{
	struct tree_connect t = through_an_edge();
	t.app = span_of("app");
	size_t need = again(&t);
	for (size_t n = 0; n <= need; n++) {
		uint8_t *copy, *room = malloc(n > 0 ? n : 1);
		struct writer to;
		struct cmd c = parsed(w.len, &copy);
		ck_assert_ptr_nonnull(room);
		writer_init(&to, room, n);
		ck_assert(tree_write_connect(&to, &c, &t) == (n == need));
		free(room);
		free(copy);
	}
}

START_TEST(a_writer_too_small_is_told)
{
	write_flash();
	write_arguments();
	every_room();
	write_object3();
	every_room();
}
END_TEST

/* Gone ------------------------------------------------------------------------ */

START_TEST(gone_is_read_back)
{
	static const uint32_t ids[] = { 1, 2, 65536, UINT32_MAX };
	for (unsigned i = 0; i < 4; i++) {
		struct writer to;
		struct wire_msg m;
		struct cmd c;
		uint32_t id = 0;
		writer_init(&to, out, sizeof out);
		tree_write_gone(&to, WIRE_CHUNK, ids[i]);
		ck_assert(writer_ok(&to));
		ck_assert_int_eq(wire_parse(out, to.len, &m), WIRE_OK);
		ck_assert_uint_eq(m.msid, 0);
		ck_assert_uint_eq(m.head_len + m.len, to.len);
		ck_assert_int_eq(
		    cmd_parse(m.type, out + m.head_len, m.len, &c), AMF0_OK);
		ck_assert(tree_parse_gone(&c, &id));
		ck_assert_uint_eq(id, ids[i]);
	}
}
END_TEST

static bool
gone(const char *name, double number, bool as_text)
{
	struct cmd c;
	uint32_t id = 77;
	writer_init(&w, in, sizeof in);
	amf0_write_text(&w, name);
	amf0_write_number(&w, 0);
	amf0_write_null(&w);
	if (as_text)
		amf0_write_text(&w, "1");
	else
		amf0_write_number(&w, number);
	ck_assert_int_eq(cmd_parse(WIRE_COMMAND, in, w.len, &c), AMF0_OK);
	bool yes = tree_parse_gone(&c, &id);
	ck_assert(yes || id == 77 || number >= 1);
	return yes;
}

START_TEST(only_whole_numbers_from_one_on_are_gone)
{
	ck_assert(gone(TREE_GONE, 1, false));
	ck_assert(!gone("sluicegone", 1, false));
	ck_assert(!gone(TREE_GONE, 0, false));
	ck_assert(!gone(TREE_GONE, -1, false));
	ck_assert(!gone(TREE_GONE, 0.5, false));
	ck_assert(!gone(TREE_GONE, 1.5, false));
	ck_assert(!gone(TREE_GONE, 4294967296.0, false));
	ck_assert(!gone(TREE_GONE, 1e300, false));
	ck_assert(!gone(TREE_GONE, (double)NAN, false));
	ck_assert(!gone(TREE_GONE, (double)INFINITY, false));
	ck_assert(!gone(TREE_GONE, 1, true));
}
END_TEST

START_TEST(gone_cut_anywhere_is_none)
{
	gone(TREE_GONE, 7, false);
	size_t whole = w.len;
	for (size_t n = 0; n < whole; n++) {
		uint8_t *copy = malloc(n > 0 ? n : 1);
		struct cmd c;
		uint32_t id;
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, in, n);
		if (cmd_parse(WIRE_COMMAND, copy, n, &c) == AMF0_OK)
			ck_assert(!tree_parse_gone(&c, &id));
		free(copy);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tree");
	TCase *t = tcase_create("tree");
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_test(t, without_replacements_it_goes_on_byte_for_byte);
	tcase_add_test(t, what_is_ours_comes_last_and_nothing_else_is_touched);
	tcase_add_test(t, app_and_url_are_replaced_where_they_stand);
	tcase_add_test(t, app_and_url_are_added_where_they_are_missing);
	tcase_add_test(t, of_two_of_one_name_both_are_replaced);
	tcase_add_test(t, a_client_cannot_speak_for_others);
	tcase_add_test(t, typed_objects_and_arrays_are_read_as_objects);
	tcase_add_test(t, what_is_no_object_is_refused);
	tcase_add_test(t, an_object_of_amf3_becomes_one_of_amf0);
	tcase_add_test(t, app_and_url_of_an_amf3_object_are_replaced);
	tcase_add_test(t, a_connect_cut_anywhere_is_refused_or_whole);
	tcase_add_test(t, a_writer_too_small_is_told);
	tcase_add_test(t, gone_is_read_back);
	tcase_add_test(t, only_whole_numbers_from_one_on_are_gone);
	tcase_add_test(t, gone_cut_anywhere_is_none);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
