/* check_hosts - common/hosts.h: which servers clients may name. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/hosts.h"

static struct addr
addr_of(const char *text)
{
	struct addr a;
	ck_assert_msg(addr_parse(text, strlen(text), &a) == 0, "%s", text);
	return a;
}

START_TEST(special_addresses_are_not_public)
{
	static const char *const no[] = { "0.0.0.0", "10.0.0.1", "100.64.0.1",
		"100.127.255.255", "127.0.0.1", "127.255.0.1",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1",
		"192.0.2.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
		"240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
		"::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1",
		"64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
		"2002:a00:1::1", "2002:7f00:1::1", "3fff::1", "fc00::1",
		"fd12::1", "fe80::1", "fec0::1", "ff02::1", "4000::1" };
	static const char *const yes[] = { "1.1.1.1", "8.8.8.8", "100.63.0.1",
		"100.128.0.1", "172.15.0.1", "172.32.0.1", "198.20.0.1",
		"223.255.255.255", "2606:4700::1111", "2a00:1450::1",
		"64:ff9b::8.8.8.8", "2002:808:808::1", "::ffff:8.8.8.8" };
	for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
		struct addr a = addr_of(no[i]);
		ck_assert_msg(!addr_is_public(&a), "%s", no[i]);
	}
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		struct addr a = addr_of(yes[i]);
		ck_assert_msg(addr_is_public(&a), "%s", yes[i]);
	}
}
END_TEST

static void
judged(
    const char *list, const char *host, uint16_t port, enum hosts_verdict want)
{
	enum hosts_verdict is = hosts_judge(list, span_of(host), port);
	ck_assert_msg(is == want, "\"%s\" %s:%u: %d, not %d", list, host, port,
	    (int)is, (int)want);
}

START_TEST(no_list)
{
	judged("", "origin.example", 1935, HOSTS_BY_ADDRESS);
	judged("", "origin.example", 443, HOSTS_BY_ADDRESS);
	judged("", "origin.example", 22, HOSTS_NO);
	judged("", "8.8.8.8", 1935, HOSTS_YES);
	judged("", "10.0.0.1", 1935, HOSTS_NO);
	judged("", "::ffff:127.0.0.1", 1935, HOSTS_NO);
}
END_TEST

/* Other spellings of addresses are no names, but if the list has them. */
START_TEST(numbers_are_no_names)
{
	static const char *const no[] = { "127.1", "10.0.1", "010.0.0.1",
		"0177.0.0.1", "2130706433", "0x7f000001", "a.0X7f", "10.0.0.1.",
		"1.2.3.4.5" };
	for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
		judged("", no[i], 1935, HOSTS_NO);
		judged("0.0.0.0/0, *", no[i], 1935, HOSTS_NO);
		judged(no[i], no[i], 1935, HOSTS_YES);
	}
	judged("", "origin.x10", 1935, HOSTS_BY_ADDRESS);
	judged("", "127.0.0.1.example", 1935, HOSTS_BY_ADDRESS);
}
END_TEST

START_TEST(names)
{
	const char *l = "origin.example, .Cdn.example.:1936 ,x.example:*";
	judged(l, "ORIGIN.example", 1935, HOSTS_YES);
	judged(l, "origin.example.", 1935, HOSTS_YES);
	judged(l, "origin.example", 1936, HOSTS_NO);
	judged(l, "a.origin.example", 1935, HOSTS_NO);
	judged(l, "a.b.cdn.example", 1936, HOSTS_YES);
	judged(l, "cdn.example", 1936, HOSTS_NO);
	judged(l, "evilcdn.example", 1936, HOSTS_NO);
	judged(l, "a.cdn.example", 1935, HOSTS_NO);
	judged(l, "x.example", 22, HOSTS_YES);
	judged(l, "8.8.8.8", 1935, HOSTS_NO);
}
END_TEST

START_TEST(addresses)
{
	const char *l = "10.0.0.0/8, [2001:db8::1]:7, 192.0.2.7:*, fd00::/8";
	struct addr a = addr_of("10.1.2.3"), b = addr_of("11.0.0.1");
	judged(l, "10.9.9.9", 1935, HOSTS_YES);
	judged(l, "10.9.9.9", 80, HOSTS_NO);
	judged(l, "2001:db8::1", 7, HOSTS_YES);
	judged(l, "2001:db8::1", 1935, HOSTS_NO);
	judged(l, "192.0.2.7", 22, HOSTS_YES);
	judged(l, "fd12::1", 1935, HOSTS_YES);
	judged(l, "::ffff:10.1.2.3", 1935, HOSTS_YES);
	/* a name that leads there */
	judged(l, "name.example", 1935, HOSTS_BY_ADDRESS);
	ck_assert(hosts_has_addr(l, &a, 1935));
	ck_assert(!hosts_has_addr(l, &a, 7));
	ck_assert(!hosts_has_addr(l, &b, 1935));
}
END_TEST

/* Everything is everything of the Internet. */
START_TEST(star)
{
	struct addr a = addr_of("127.0.0.1"), b = addr_of("8.8.8.8");
	judged("*", "name.example", 1935, HOSTS_BY_ADDRESS);
	judged("*:*", "name.example", 22, HOSTS_BY_ADDRESS);
	judged("*", "name.example", 22, HOSTS_NO);
	ck_assert(!hosts_has_addr("*:*", &a, 1935));
	ck_assert(hosts_has_addr("*:*", &b, 22));
	ck_assert(hosts_has_addr("*:*, 127.0.0.0/8", &a, 1935));
	ck_assert(!hosts_has_addr("*:*, 127.0.0.0/8", &a, 22));
}
END_TEST

START_TEST(checked)
{
	static const char *const good[] = { "", "*", "a", "a.example:1",
		".example:*", "10.0.0.0/8", "2001:db8::/32", "::1", "[::1]:5",
		" a , b:*,c " };
	static const char *const bad[] = { ",", "a,", "a:0", "a:65536", "a:x",
		"a b", "10.0.0.1/8", "10.0.0.0/33", "[::1", "[::1]x", "::1/200",
		"rtmp://a/", ":5", "a/b" };
	char err[240];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_msg(hosts_check(good[i], err, sizeof err) == 0,
		    "\"%s\": %s", good[i], err);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(hosts_check(bad[i], err, sizeof err) == -1,
		    "\"%s\"", bad[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hosts");
	TCase *t = tcase_create("hosts");
	tcase_add_test(t, special_addresses_are_not_public);
	tcase_add_test(t, no_list);
	tcase_add_test(t, numbers_are_no_names);
	tcase_add_test(t, names);
	tcase_add_test(t, addresses);
	tcase_add_test(t, star);
	tcase_add_test(t, checked);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
