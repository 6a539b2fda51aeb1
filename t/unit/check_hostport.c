/* check_hostport - one case per promise of master/hostport.h. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "master/hostport.h"

/* The addresses of text, joined by blanks; "!" when it is refused. */
static void
expect(const char *text, const char *want)
{
	struct conf_listen list[CONF_LISTEN_MAX];
	uint32_t n = 0;
	char err[128] = "", got[1024] = "", one[HOSTPORT_TEXT];
	int r = hostport_parse(text, 7, list, &n, err, sizeof err);
	if (r < 0) {
		ck_assert(err[0] != '\0');
		ck_assert_str_eq("!", want);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		size_t used = strlen(got);
		ck_assert_int_eq(list[i].line, 7);
		snprintf(got + used, sizeof got - used, "%s%s", used ? " " : "",
		    hostport_text(&list[i], one));
	}
	for (; r > 0; r--)
		strcat(got, " tls");
	ck_assert_str_eq(got, want);
}

START_TEST(every_form_is_read)
{
	expect(":1935", "[::]:1935 0.0.0.0:1935");
	expect("", "[::]:1935 0.0.0.0:1935");
	expect(":1,2", "[::]:1 0.0.0.0:1 [::]:2 0.0.0.0:2");
	expect("127.0.0.1", "127.0.0.1:1935");
	expect("127.0.0.1:", "127.0.0.1:1935");
	expect(" 127.0.0.1 : 80 , 81 ", "127.0.0.1:80 127.0.0.1:81");
	expect("[127.0.0.1]:80", "127.0.0.1:80");
	expect("[::1]", "[::1]:1935");
	expect("::1", "[::1]:1935");
	expect("[0:0:0:0:0:0:0:1]:0", "[::1]:0");
	expect("localhost:1", "127.0.0.1:1");
}
END_TEST

START_TEST(tls_ports_are_counted_and_left_out)
{
	expect(":1935,-443", "[::]:1935 0.0.0.0:1935 tls");
	expect("-443", " tls");
	expect("127.0.0.1:-443,80,-444", "127.0.0.1:80 tls tls");
}
END_TEST

START_TEST(nonsense_is_refused)
{
	expect("1935", "!");
	expect("1935,80", "!");
	expect("example.org:1935", "!");
	expect("127.0.0.1:65536", "!");
	expect("127.0.0.1:000001", "!");
	expect("127.0.0.1:+1", "!");
	expect("127.0.0.1:1:2", "!");
	expect("127.0.0.1:1,", "!");
	expect("[::1", "!");
	expect("[::1]1935", "!");
	expect("[fe80::1%eth0]:1", "!");
	expect("127.0.0.1:80,80", "!");
	expect(":1,2,3,4,5,6,7,8,9", "!");
}
END_TEST

START_TEST(text_of_any_length_does_no_harm)
{
	char text[600];
	for (size_t n = 0; n < sizeof text; n++) {
		memset(text, n % 2 ? '1' : ':', n);
		text[n] = '\0';
		struct conf_listen list[CONF_LISTEN_MAX];
		uint32_t count = 0;
		char err[32];
		(void)hostport_parse(text, 1, list, &count, err, sizeof err);
		ck_assert_uint_le(count, CONF_LISTEN_MAX);
	}
}
END_TEST

START_TEST(the_default_is_every_address)
{
	struct conf_listen list[CONF_LISTEN_MAX];
	uint32_t n = 9;
	hostport_default(list, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert(list[0].implicit && !list[1].implicit);
	ck_assert_int_eq(list[0].line, 0);
	ck_assert_uint_eq(list[0].port, 1935);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostport");
	TCase *t = tcase_create("hostport");
	suite_add_tcase(s, t);
	tcase_add_test(t, every_form_is_read);
	tcase_add_test(t, tls_ports_are_counted_and_left_out);
	tcase_add_test(t, nonsense_is_refused);
	tcase_add_test(t, text_of_any_length_does_no_harm);
	tcase_add_test(t, the_default_is_every_address);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
