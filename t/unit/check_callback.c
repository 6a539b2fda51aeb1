/*
 * callback/format.c, callback/verdict.c.  What nginx-rtmp is expected to send was taken
 * from nginx 1.22.1 with its module 1.2.2 (t/e2e/85-callback-nginx.sh does it again).
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "callback/format.h"
#include "callback/verdict.h"

#define NGINX_VIEWER                                                           \
	"app=live&flashver=LNX%2010,0,32,18&swfurl=http://swf/x.swf"           \
	"&tcurl=rtmp://127.0.0.1:19350/live%3Fa=1%26b=2"                       \
	"&pageurl=http://page/%C3%A9&addr=127.0.0.1"

static struct facts
viewer(enum hook_event e)
{
	return (struct facts){ .event = e,
		.client = 12,
		.addr = span_of("127.0.0.1:40000"),
		.vhost = span_of("_defaultVHost_"),
		.app = span_of("live"),
		.instance = span_of("_definst_"),
		.stream = span_of(
		    e == HOOK_CONNECT || e == HOOK_DISCONNECT ? "" : "cam 1"),
		.args = span_of("u=v"),
		.connect_args = span_of("a=1&b=2"),
		.tc_url = span_of("rtmp://127.0.0.1:19350/live?a=1&b=2"),
		.page_url = span_of("http://page/\xc3\xa9"),
		.swf_url = span_of("http://swf/x.swf"),
		.flash_ver = span_of("LNX 10,0,32,18"),
		.type = span_of("live"),
		.start_ms = -1000,
		.epoch_ms = 405108,
		.seconds = 2,
		.timestamp_ms = 3840,
		.bytes_in = 3000,
		.bytes_out = 4000000000000,
		.server = span_of("vid-1"),
		.service = span_of("run2") };
}

static char *
body_of(enum hook_format f, const struct facts *what, const char *type)
{
	struct format_body b;
	ck_assert_int_eq(format_request(f, what, &b), 0);
	ck_assert_str_eq(b.type, type);
	ck_assert_uint_eq(b.len, strlen(b.text));
	return b.text;
}

static void
nginx_sends(const struct facts *f, const char *want)
{
	char *is = body_of(HOOK_NGINX, f, "application/x-www-form-urlencoded");
	ck_assert_str_eq(is, want);
	free(is);
}

static json_t *
object_of(enum hook_format format, const struct facts *f)
{
	char *is = body_of(format, f, "application/json");
	json_t *j = json_loads(is, JSON_REJECT_DUPLICATES, NULL);
	ck_assert(json_is_object(j));
	free(is);
	return j;
}

/* j has exactly those members of text, name and value by turns. */
static void
has(json_t *j, const char *const *want)
{
	for (; *want; want += 2) {
		const char *v = json_string_value(json_object_get(j, *want));
		ck_assert_msg(v != NULL, "no %s", *want);
		ck_assert_str_eq(v, want[1]);
		json_object_del(j, *want);
	}
	char *rest = json_dumps(j, 0);
	ck_assert_str_eq(rest, "{}");
	free(rest);
	json_decref(j);
}

START_TEST(nginx_requests_are_those_of_nginx)
{
	struct facts f = viewer(HOOK_CONNECT);
	nginx_sends(&f, NGINX_VIEWER "&epoch=405108&call=connect&a=1&b=2");
	f = viewer(HOOK_PLAY);
	nginx_sends(&f,
	    NGINX_VIEWER "&clientid=12&call=play&name=cam%201"
			 "&start=4294966296&duration=0&reset=0&u=v");
	f = viewer(HOOK_PUBLISH);
	nginx_sends(&f, NGINX_VIEWER
	    "&clientid=12&call=publish&name=cam%201&type=live&u=v");
	f = viewer(HOOK_PLAY_DONE);
	nginx_sends(
	    &f, NGINX_VIEWER "&clientid=12&call=play_done&name=cam%201&u=v");
	f = viewer(HOOK_PUBLISH_DONE);
	nginx_sends(
	    &f, NGINX_VIEWER "&clientid=12&call=publish_done&name=cam%201&u=v");
	f = viewer(HOOK_DISCONNECT);
	nginx_sends(
	    &f, NGINX_VIEWER "&clientid=12&call=disconnect&app=live&a=1&b=2");
	f = viewer(HOOK_UPDATE);
	nginx_sends(&f, NGINX_VIEWER "&clientid=12&call=update_publish&time=2"
				     "&timestamp=3840&name=cam%201&u=v");
	f.playing = true;
	nginx_sends(&f, NGINX_VIEWER "&clientid=12&call=update_play&time=2"
				     "&timestamp=3840&name=cam%201&u=v");
}
END_TEST

START_TEST(nginx_cuts_and_escapes_as_nginx_does)
{
	struct facts f = viewer(HOOK_PUBLISH);
	f.flash_ver = span_of("FMLE/3.0 (compatible; Lavf59.27.100)");
	f.stream = span_of("a!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
	f.swf_url = f.page_url = f.tc_url = f.args = span_of("");
	nginx_sends(&f,
	    "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27"
	    "&swfurl=&tcurl=&pageurl=&addr=127.0.0.1&clientid=12&call=publish"
	    "&name=a!%22%23$%25%26'()*%2B,-./:%3B%3C=%3E%3F@[%5C]%5E_%60"
	    "%7B%7C%7D~&type=live");
}
END_TEST

START_TEST(arguments_do_not_overwrite_fields)
{
	struct facts f = viewer(HOOK_PLAY_DONE);
	f.args =
	    span_of("name=other&k=1&&addr=10.0.0.1&call=publish&x&app\r=2");
	nginx_sends(&f, NGINX_VIEWER "&clientid=12&call=play_done&name=cam%201"
				     "&k=1&&x&app%0D=2");
}
END_TEST

START_TEST(addresses_lose_their_port)
{
	static const char *const of[][2] = { { "192.0.2.1:4711", "192.0.2.1" },
		{ "[2001:db8::1]:4711", "2001:db8::1" }, { "", "" },
		{ "here", "here" }, { "[::1", "::1" } };
	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		struct facts f = viewer(HOOK_PUBLISH);
		f.addr = span_of(of[i][0]);
		json_t *j = object_of(HOOK_JSON, &f);
		ck_assert_str_eq(
		    json_string_value(json_object_get(j, "ip")), of[i][1]);
		json_decref(j);
	}
}
END_TEST

#define SRS_HEAD(action)                                                       \
	"server_id", "vid-1", "service_id", "run2", "action", action,          \
	    "client_id", "12", "ip", "127.0.0.1", "vhost", "__defaultVhost__", \
	    "app", "live"
#define SRS_URL "tcUrl", "rtmp://127.0.0.1:19350/live?a=1&b=2"

START_TEST(srs_requests_have_its_members)
{
	static const char *const connect[] = { SRS_HEAD("on_connect"), SRS_URL,
		"stream", "", "param", "?a=1&b=2", "pageUrl",
		"http://page/\xc3\xa9", NULL };
	static const char *const names[][2] = { { "on_publish", "" },
		{ "on_play", "http://page/\xc3\xa9" }, { "on_unpublish", "" },
		{ "on_stop", "" } };
	struct facts f = viewer(HOOK_CONNECT);
	f.args = span_of("");
	has(object_of(HOOK_SRS, &f), connect);
	for (unsigned i = 0; i < 4; i++) {
		const char *play[] = { SRS_HEAD(names[i][0]), SRS_URL, "stream",
			"cam 1", "param", "?u=v&a=1&b=2", "stream_url",
			"/live/cam 1", *names[i][1] ? "pageUrl" : NULL,
			names[i][1], NULL };
		f = viewer((enum hook_event)(HOOK_PUBLISH + i));
		json_t *j = object_of(HOOK_SRS, &f);
		const char *id =
		    json_string_value(json_object_get(j, "stream_id"));
		ck_assert(id != NULL && strlen(id) == 11);
		ck_assert(strncmp(id, "vid-", 4) == 0);
		json_object_del(j, "stream_id");
		has(j, play);
	}
}
END_TEST

START_TEST(srs_close_has_bytes_and_no_update)
{
	struct facts f = viewer(HOOK_DISCONNECT);
	static const char *const close[] = { SRS_HEAD("on_close"), NULL };
	struct format_body b;
	json_t *j = object_of(HOOK_SRS, &f);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "send_bytes")),
	    4000000000000);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(j, "recv_bytes")), 3000);
	json_object_del(j, "send_bytes");
	json_object_del(j, "recv_bytes");
	has(j, close);
	f = viewer(HOOK_UPDATE);
	ck_assert_int_eq(format_request(HOOK_SRS, &f, &b), -EINVAL);
	ck_assert(!format_has(HOOK_SRS, HOOK_UPDATE));
	ck_assert(format_has(HOOK_NGINX, HOOK_UPDATE));
}
END_TEST

START_TEST(other_virtual_hosts_and_instances_of_srs)
{
	struct facts f = viewer(HOOK_PUBLISH);
	f.vhost = span_of("tv.example");
	f.instance = span_of("room");
	json_t *j = object_of(HOOK_SRS, &f);
	ck_assert_str_eq(
	    json_string_value(json_object_get(j, "vhost")), "tv.example");
	ck_assert_str_eq(
	    json_string_value(json_object_get(j, "app")), "live/room");
	ck_assert_str_eq(json_string_value(json_object_get(j, "stream_url")),
	    "tv.example/live/room/cam 1");
	json_decref(j);
}
END_TEST

START_TEST(our_own_request)
{
	struct facts f = viewer(HOOK_UPDATE);
	f.playing = true;
	json_t *j = object_of(HOOK_JSON, &f);
	static const char *const want[] = { "event", "on_update", "server",
		"vid-1", "service", "run2", "client", "12", "addr",
		"127.0.0.1:40000", "ip", "127.0.0.1", "vhost", "_defaultVHost_",
		"app", "live", "instance", "_definst_", "stream", "cam 1",
		"args", "u=v", "connectArgs", "a=1&b=2", SRS_URL, "pageUrl",
		"http://page/\xc3\xa9", "swfUrl", "http://swf/x.swf",
		"flashVer", "LNX 10,0,32,18", "use", "play", NULL };
	ck_assert_int_eq(json_integer_value(json_object_get(j, "seconds")), 2);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(j, "bytesIn")), 3000);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(j, "bytesOut")), 4000000000000);
	json_object_del(j, "seconds");
	json_object_del(j, "bytesIn");
	json_object_del(j, "bytesOut");
	has(j, want);
}
END_TEST

START_TEST(bytes_that_are_no_text_make_valid_requests)
{
	char all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (int f = 0; f < HOOK_FORMATS; f++)
		for (int e = 0; e < HOOK_EVENTS; e++) {
			struct facts w = viewer((enum hook_event)e);
			struct format_body b;
			w.stream = w.args = w.connect_args = w.tc_url =
			    w.flash_ver = (struct span){ all, sizeof all };
			if (format_request((enum hook_format)f, &w, &b) != 0)
				continue;
			ck_assert_uint_eq(b.len, strlen(b.text));
			for (size_t i = 0; i < b.len; i++)
				ck_assert((unsigned char)b.text[i] >= 32);
			json_t *j = json_loads(b.text, JSON_ALLOW_NUL, NULL);
			ck_assert(json_is_object(j) == (f != HOOK_NGINX));
			json_decref(j);
			free(b.text);
		}
}
END_TEST

/* Answers. ---------------------------------------------------------------- */

static struct decision
judge(enum hook_format f, enum hook_event e, int status, const char *location,
    struct span body)
{
	struct decision d;
	struct http_answer a = { status, span_of(location), body };
	verdict_of(f, e, &a, &d);
	ck_assert(memchr(d.text, '\0', sizeof d.text) != NULL);
	ck_assert(memchr(d.name, '\0', sizeof d.name) != NULL);
	return d;
}

static enum hook_verdict
status(enum hook_format f, int n, const char *body)
{
	return judge(f, HOOK_PUBLISH, n, "", span_of(body)).verdict;
}

START_TEST(statuses)
{
	for (int n = 0; n < 700; n++) {
		enum hook_verdict v = n / 100 == 2   ? HOOK_ALLOW
				      : n / 100 == 4 ? HOOK_REFUSE
						     : HOOK_FAIL;
		ck_assert_int_eq(status(HOOK_JSON, n, "whatever"), (int)v);
		ck_assert_int_eq(status(HOOK_NGINX, n, "whatever"), (int)v);
		if (n != 200 && n != 201)
			ck_assert_int_eq(status(HOOK_SRS, n, "0"),
			    n / 100 == 4 ? HOOK_REFUSE : HOOK_FAIL);
	}
}
END_TEST

START_TEST(bodies_of_srs)
{
	static const char *const allow[] = { "0", " 0\r\n", "{\"code\":0}",
		"{\"code\": 0, \"data\": null}\n" };
	static const char *const refuse[] = { "1", "-1", "403", "{\"code\":1}",
		"{\"code\":1,\"msg\":\"no\"}" };
	static const char *const fail[] = { "", "ok", "00", "0.0", "\"0\"",
		"null", "true", "[0]", "{}", "{\"code\":\"0\"}",
		"{\"code\":0.0}", "{\"code\":null}", "{\"code\":1,\"code\":0}",
		"{\"code\":0} x", "0 0", "<html>0</html>",
		"99999999999999999999" };
	for (int n = 200; n < 202; n++) {
		for (size_t i = 0; i < sizeof allow / sizeof *allow; i++)
			ck_assert_int_eq(
			    status(HOOK_SRS, n, allow[i]), HOOK_ALLOW);
		for (size_t i = 0; i < sizeof refuse / sizeof *refuse; i++)
			ck_assert_int_eq(
			    status(HOOK_SRS, n, refuse[i]), HOOK_REFUSE);
		for (size_t i = 0; i < sizeof fail / sizeof *fail; i++)
			ck_assert_msg(status(HOOK_SRS, n, fail[i]) == HOOK_FAIL,
			    "%s", fail[i]);
	}
}
END_TEST

/* Whatever part of an answer came, only the whole one allows. */
START_TEST(bodies_of_srs_cut_at_every_byte)
{
	static const char text[] = "{\"code\": 0, \"data\": {\"a\": \"}\"}}";
	for (size_t n = 0; n < sizeof text; n++) {
		char *copy = malloc(n + 1);
		memcpy(copy, text, n);
		struct decision d = judge(
		    HOOK_SRS, HOOK_PUBLISH, 200, "", (struct span){ copy, n });
		ck_assert_int_eq(
		    d.verdict, n == sizeof text - 1 ? HOOK_ALLOW : HOOK_FAIL);
		free(copy);
	}
}
END_TEST

static void
goes(enum hook_event e, const char *location, enum hook_verdict v,
    const char *name)
{
	for (int n = 300; n < 309; n++) {
		struct decision d =
		    judge(HOOK_NGINX, e, n, location, span_of("x"));
		ck_assert_msg(d.verdict == v, "%s", location);
		ck_assert_str_eq(d.name, name);
		d = judge(HOOK_JSON, e, n, location, span_of("x"));
		ck_assert_int_eq(d.verdict, v);
		d = judge(HOOK_SRS, e, n, location, span_of("0"));
		ck_assert_int_eq(d.verdict, HOOK_FAIL);
	}
}

START_TEST(locations)
{
	char text[300];
	goes(HOOK_PUBLISH, "public", HOOK_RENAME, "public");
	goes(HOOK_PLAY, " a:b/c \r\n", HOOK_RENAME, "a:b/c");
	goes(HOOK_PLAY, "rtmp://h/app/s", HOOK_REDIRECT, "rtmp://h/app/s");
	goes(HOOK_CONNECT, "RTMPS://h/app", HOOK_REDIRECT, "RTMPS://h/app");
	goes(HOOK_CONNECT, "app2", HOOK_FAIL, "");
	goes(HOOK_PUBLISH, "", HOOK_FAIL, "");
	goes(HOOK_PUBLISH, "http://h/login", HOOK_FAIL, "");
	goes(HOOK_PUBLISH, "/login", HOOK_FAIL, "");
	goes(HOOK_PUBLISH, "a b", HOOK_FAIL, "");
	goes(HOOK_PUBLISH, "a\x01", HOOK_FAIL, "");
	goes(HOOK_PUBLISH, "a?key=1", HOOK_FAIL, "");
	memset(text, 'n', sizeof text);
	text[255] = '\0';
	goes(HOOK_PUBLISH, text, HOOK_RENAME, text);
	text[255] = 'n';
	text[256] = '\0';
	goes(HOOK_PUBLISH, text, HOOK_FAIL, "");
}
END_TEST

static void
says(struct span body, const char *text)
{
	struct decision d = judge(HOOK_JSON, HOOK_PUBLISH, 403, "", body);
	ck_assert_int_eq(d.verdict, HOOK_REFUSE);
	ck_assert_str_eq(d.text, text);
}

START_TEST(descriptions_are_clean)
{
	static const char none[] = "refused by the server's callback";
	says(span_of("not today"), "not today");
	says(span_of("  not \r\n\x01\x1b[31m\x7f \xff\xc3 \xc3\xa9t\xc3\xa9 "
		     "\xc2\x9bx\t"),
	    "not [31m \xc3\xa9t\xc3\xa9 x");
	says((struct span){ "a\0b", 3 }, "a b");
	says(span_of(""), none);
	says((struct span){ NULL, 0 }, none);
	says(span_of("<html>no</html>"), none);
	says(span_of("17"), none);
	says(span_of("{\"code\":7,\"msg\":\"no\\u0000\\nway\"}"), "no way");
	says(span_of("{\"description\":\"because\"}"), "because");
	says(span_of("{\"x\":1}"), none);
}
END_TEST

START_TEST(descriptions_are_cut_at_a_character)
{
	char body[1000], want[HOOKS_TEXT];
	for (size_t i = 0; i < sizeof body; i += 2)
		memcpy(body + i, "\xc3\xa9", 2);
	memcpy(want, body, HOOKS_TEXT - 2);
	want[HOOKS_TEXT - 2] = '\0';
	says((struct span){ body, sizeof body }, want);
	for (size_t n = 2; n < 40; n += 2) {
		char *copy = malloc(n - 1);
		memcpy(copy, body, n - 1);
		memcpy(want, body, n - 2);
		want[n - 2] = '\0';
		says((struct span){ copy, n - 1 },
		    n > 2 ? want : "refused by the server's callback");
		free(copy);
	}
}
END_TEST

START_TEST(names_and_numbers)
{
	for (int i = 0; i < HOOK_EVENTS; i++)
		ck_assert_int_eq(
		    hook_event_find(hook_event_name((enum hook_event)i)), i);
	for (int i = 0; i < HOOK_FORMATS; i++)
		ck_assert_int_eq(
		    hook_format_find(hook_format_name((enum hook_format)i)), i);
	for (int i = 0; i < HOOK_VERDICTS; i++)
		ck_assert_int_eq(
		    hook_verdict_find(hook_verdict_name((enum hook_verdict)i)),
		    i);
	ck_assert_int_eq(hook_event_find("on_nothing"), -1);
	ck_assert_int_eq(hook_verdict_find(""), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("callback");
	TCase *t = tcase_create("callback");
	tcase_add_test(t, nginx_requests_are_those_of_nginx);
	tcase_add_test(t, nginx_cuts_and_escapes_as_nginx_does);
	tcase_add_test(t, arguments_do_not_overwrite_fields);
	tcase_add_test(t, addresses_lose_their_port);
	tcase_add_test(t, srs_requests_have_its_members);
	tcase_add_test(t, srs_close_has_bytes_and_no_update);
	tcase_add_test(t, other_virtual_hosts_and_instances_of_srs);
	tcase_add_test(t, our_own_request);
	tcase_add_test(t, bytes_that_are_no_text_make_valid_requests);
	tcase_add_test(t, statuses);
	tcase_add_test(t, bodies_of_srs);
	tcase_add_test(t, bodies_of_srs_cut_at_every_byte);
	tcase_add_test(t, locations);
	tcase_add_test(t, descriptions_are_clean);
	tcase_add_test(t, descriptions_are_cut_at_a_character);
	tcase_add_test(t, names_and_numbers);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
