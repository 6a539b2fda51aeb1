/* check_addr - addresses and networks of common/addr.h. */
#include "config.h"

#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/addr.h"

static struct addr
addr(const char *text)
{
	struct addr a;
	ck_assert_int_eq(addr_parse(text, strlen(text), &a), 0);
	return a;
}

START_TEST(addresses_come_and_go_as_text)
{
	static const char *const good[] = { "0.0.0.0", "192.0.2.1",
		"255.255.255.255", "::", "::1", "2001:db8::1",
		"fe80::1:2:3:4" };
	static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.4.5",
		"256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "localhost", ":::", "::g",
		"1:2:3:4:5:6:7:8:9", "[::1]", "1.2.3.4:80",
		"11111111111111111111111111111111111111111111111111" };
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
		struct addr a = addr(good[i]);
		addr_print(&a, text);
		ck_assert_str_eq(text, good[i]);
	}
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct addr a;
		ck_assert_msg(addr_parse(bad[i], strlen(bad[i]), &a) != 0,
		    "%s was taken", bad[i]);
	}
}
END_TEST

START_TEST(a_mapped_address_is_the_ipv4_one)
{
	struct addr a = addr("::ffff:192.0.2.1"), b = addr("192.0.2.1");
	ck_assert(addr_equal(&a, &b));
	ck_assert(addr_is_v4(&a));
	ck_assert(!addr_is_loopback(&a));
	a = addr("127.8.9.1");
	ck_assert(addr_is_loopback(&a));
	a = addr("::1");
	ck_assert(addr_is_loopback(&a));
	a = addr("::2");
	ck_assert(!addr_is_loopback(&a));
}
END_TEST

START_TEST(peers_have_ports)
{
	struct addr a, b = addr("2001:db8::1"), c = addr("192.0.2.1");
	ck_assert_int_eq(addr_parse_peer("[2001:db8::1]:1935", &a), 0);
	ck_assert(addr_equal(&a, &b));
	ck_assert_int_eq(addr_parse_peer("192.0.2.1:1", &a), 0);
	ck_assert(addr_equal(&a, &c));
	ck_assert_int_ne(addr_parse_peer("?", &a), 0);
	ck_assert_int_ne(addr_parse_peer("", &a), 0);
	ck_assert_int_ne(addr_parse_peer("[:1", &a), 0);
	ck_assert_int_ne(addr_parse_peer("[]:1", &a), 0);
	ck_assert_int_ne(addr_parse_peer("192.0.2.1", &a), 0);
}
END_TEST

START_TEST(a_pair_has_one_of_each_family)
{
	static const char *const bad[] = { ",", "192.0.2.1,", ",::1", "::1 ::2",
		"192.0.2.1,192.0.2.2", "::1,::2", "edge", "192.0.2.1:80",
		"192.0.2.1, ::1, 192.0.2.2" };
	struct addr_pair p;
	struct addr four = addr("192.0.2.1"), six = addr("2001:db8::1");
	ck_assert_int_eq(addr_pair_parse("", &p), 0);
	ck_assert(!p.has_v4 && !p.has_v6);
	ck_assert_int_eq(addr_pair_parse(" 192.0.2.1 ", &p), 0);
	ck_assert(p.has_v4 && !p.has_v6 && addr_equal(&p.v4, &four));
	ck_assert_int_eq(addr_pair_parse("2001:db8::1", &p), 0);
	ck_assert(!p.has_v4 && p.has_v6 && addr_equal(&p.v6, &six));
	ck_assert_int_eq(addr_pair_parse("2001:db8::1 ,192.0.2.1", &p), 0);
	ck_assert(p.has_v4 && addr_equal(&p.v4, &four));
	ck_assert(p.has_v6 && addr_equal(&p.v6, &six));
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(addr_pair_parse(bad[i], &p) != 0, "%s", bad[i]);
}
END_TEST

START_TEST(sockets_give_addresses)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0xc0000201) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr un = { .sa_family = AF_UNIX };
	struct addr a, want = addr("192.0.2.1"), any = addr("::");
	addr_from_sockaddr((const struct sockaddr *)&in, &a);
	ck_assert(addr_equal(&a, &want));
	addr_from_sockaddr((const struct sockaddr *)&in6, &a);
	ck_assert(addr_is_loopback(&a));
	addr_from_sockaddr(&un, &a);
	ck_assert(addr_equal(&a, &any));
}
END_TEST

static const struct {
	const char *net, *in, *out;
} nets[] = {
	{ "0.0.0.0/0", "203.0.113.9", "2001:db8::1" },
	{ "10.0.0.0/8", "10.255.0.1", "11.0.0.1" },
	{ "192.0.2.128/25", "192.0.2.255", "192.0.2.127" },
	{ "192.0.2.4/30", "192.0.2.7", "192.0.2.8" },
	{ "192.0.2.7", "192.0.2.7", "192.0.2.6" },
	{ "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::" },
	{ "2001:db8::8/125", "2001:db8::f", "2001:db8::10" },
	{ "::1", "::1", "::2" },
	{ "8000::/1", "ffff::", "7fff::" },
};

START_TEST(a_network_has_its_addresses)
{
	char err[160], text[ADDR_NET_TEXT];
	struct addr_net n;
	const char *net = nets[_i].net;
	ck_assert_int_eq(
	    addr_net_parse(net, strlen(net), &n, err, sizeof err), 0);
	struct addr in = addr(nets[_i].in), out = addr(nets[_i].out);
	ck_assert(addr_net_has(&n, &in));
	ck_assert(!addr_net_has(&n, &out));
	addr_net_print(&n, text);
	ck_assert_str_eq(text, net);
	/* cut anywhere: refused, or another network; never read beyond */
	for (size_t i = 0; i < strlen(net); i++) {
		char cut[64];
		memcpy(cut, net, i);
		(void)addr_net_parse(cut, i, &n, err, sizeof err);
	}
}
END_TEST

START_TEST(all_of_ipv6)
{
	char err[160];
	struct addr_net n;
	struct addr v4 = addr("192.0.2.1"), v6 = addr("2001:db8::1");
	ck_assert_int_eq(addr_net_parse("::/0", 4, &n, err, sizeof err), 0);
	ck_assert(addr_net_has(&n, &v4));
	ck_assert(addr_net_has(&n, &v6));
}
END_TEST

START_TEST(mistakes_are_told)
{
	static const struct {
		const char *net, *err;
	} bad[] = {
		{ "10.0.0.0/33", "a prefix length from 0 to 32 after /" },
		{ "10.0.0.0/", "a prefix length from 0 to 32 after /" },
		{ "10.0.0.0/-1", "a prefix length from 0 to 32 after /" },
		{ "2001:db8::/129", "a prefix length from 0 to 128 after /" },
		{ "10.0.0.1/8", "no bits of the address beyond the first 8" },
		{ "example.com",
		    "an address as 192.0.2.1 or 2001:db8::1, or a network as "
		    "192.0.2.0/24" },
	};
	char err[160];
	struct addr_net n;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_int_ne(addr_net_parse(bad[i].net, strlen(bad[i].net),
				     &n, err, sizeof err),
		    0);
		ck_assert_str_eq(err, bad[i].err);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("addr");
	TCase *t = tcase_create("addr");
	tcase_add_test(t, addresses_come_and_go_as_text);
	tcase_add_test(t, a_mapped_address_is_the_ipv4_one);
	tcase_add_test(t, peers_have_ports);
	tcase_add_test(t, a_pair_has_one_of_each_family);
	tcase_add_test(t, sockets_give_addresses);
	tcase_add_loop_test(t, a_network_has_its_addresses, 0,
	    (int)(sizeof nets / sizeof *nets));
	tcase_add_test(t, all_of_ipv6);
	tcase_add_test(t, mistakes_are_told);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
