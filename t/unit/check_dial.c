/*
 * check_dial - worker/dial.h over the real loop: servers are listeners on
 * 127.0.0.x, a server that does not answer is one whose queue is full.  The
 * worker's clock stands still unless a case moves it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/unit/turns.h"
#include "worker/dial.h"

enum { TURNS = 500 };

/* Somebody who dials, and what he was told. */
struct caller {
	struct dial d;
	unsigned told; /* how often */
	int fd;
	struct addr peer;
	char text[DIAL_TEXT];
	unsigned again; /* dial so often from inside fn */
};

static uint16_t port;

static struct addr
at(const char *text)
{
	struct addr a;
	ck_assert_int_eq(addr_parse(text, strlen(text), &a), 0);
	return a;
}

static void
begin(void)
{
	turns_begin();
	ck_assert_int_eq(dial_init(&w), 0);
}

static void
end(void)
{
	dial_fini(&w);
	turns_end();
}

/* Servers ----------------------------------------------------------------- */

static struct sockaddr_in
name(const char *host)
{
	struct addr a = at(host);
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	memcpy(&in.sin_addr, a.b + 12, 4);
	return in;
}

/* A listener on host, on a port that is the same for all of a case. */
static int
server(const char *host, int backlog)
{
	struct sockaddr_in in = name(host);
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	port = ntohs(in.sin_port);
	return fd;
}

/* A port on which nobody listens, on any of our addresses. */
static void
nobody(void)
{
	close(server("127.0.0.1", 1));
}

/* It takes no connection, and refuses none. */
static void
black_hole(const char *host)
{
	server(host, 0);
	struct sockaddr_in in = name(host);
	for (unsigned i = 0; i < 4; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		ck_assert_int_ge(fd, 0);
		(void)connect(fd, (struct sockaddr *)&in, sizeof in);
	}
}

/* The next connection of a listener; -1: none. */
static int
take(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	return poll(&p, 1, 2000) == 1 ? accept(listener, NULL, NULL) : -1;
}

static bool
ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;
	return poll(&p, 1, 2000) == 1 && read(fd, &c, 1) <= 0;
}

/* Callers ----------------------------------------------------------------- */

static void
told(struct worker *me, void *ctx, int fd, const struct addr *peer,
    const char *text)
{
	struct caller *c = ctx;
	ck_assert_ptr_eq(me, &w);
	c->told++;
	c->fd = fd;
	c->peer = *peer;
	snprintf(c->text, sizeof c->text, "%s", text);
	if (c->again > 0) {
		c->again--;
		dial_start(me, &c->d, peer, 1, port, "", 1000, told, c);
	}
}

static void
call(struct caller *c, const struct addr *addrs, unsigned n, const char *local)
{
	dial_start(&w, &c->d, addrs, n, port, local, 1000, told, c);
	ck_assert_uint_eq(c->told, 0);
}

static void
one_turn(void)
{
	turn(dial_event, dial_tick);
}

/* Until c is told, with no time passing; returns whether it was. */
static bool
run(const struct caller *c, unsigned turns)
{
	unsigned had = c->told;
	for (unsigned i = 0; i < turns && c->told == had; i++)
		one_turn();
	return c->told > had;
}

static unsigned
descriptors(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(a_server_that_listens_is_reached)
{
	struct caller c = { .fd = -1 };
	struct addr a = at("127.0.0.1");
	int s = server("127.0.0.1", 4);
	call(&c, &a, 1, "");
	ck_assert(run(&c, TURNS));
	ck_assert_int_ge(c.fd, 0);
	ck_assert(addr_equal(&c.peer, &a));
	ck_assert_str_eq(c.text, "");
	int fd = take(s);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(c.fd, "x", 1), 1);
	char b = 0;
	ck_assert_int_eq(read(fd, &b, 1), 1);
	ck_assert_int_eq(b, 'x');
	/* told once */
	for (unsigned i = 0; i < 5; i++)
		one_turn();
	ck_assert_uint_eq(c.told, 1);
}
END_TEST

START_TEST(ipv6_too)
{
	struct caller c = { .fd = -1 };
	struct addr a = at("::1");
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof in6;
	int s = socket(AF_INET6, SOCK_STREAM, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&in6, sizeof in6) != 0)
		return; /* a machine without it */
	ck_assert_int_eq(listen(s, 4), 0);
	ck_assert_int_eq(getsockname(s, (struct sockaddr *)&in6, &len), 0);
	port = ntohs(in6.sin6_port);
	call(&c, &a, 1, "127.0.0.9, ::1");
	ck_assert(run(&c, TURNS));
	ck_assert_int_ge(c.fd, 0);
	ck_assert(addr_equal(&c.peer, &a));
	/* and its own words about one that does not listen */
	close(s);
	c.told = 0;
	call(&c, &a, 1, "");
	ck_assert(run(&c, TURNS));
	char want[64];
	snprintf(want, sizeof want, "[::1]:%u: Connection refused", port);
	ck_assert_str_eq(c.text, want);
}
END_TEST

START_TEST(the_next_address_is_tried_at_once_when_one_fails)
{
	struct caller c = { .fd = -1 };
	struct addr a[] = { at("127.0.0.1"), at("127.0.0.2"), at("127.0.0.3") };
	server("127.0.0.3", 4);
	call(&c, a, 3, "");
	ck_assert(run(&c, TURNS)); /* no time has passed */
	ck_assert_int_ge(c.fd, 0);
	ck_assert(addr_equal(&c.peer, &a[2]));
}
END_TEST

START_TEST(all_that_refuse_are_told_with_address_and_why)
{
	struct caller c = { .fd = -1 };
	struct addr a[] = { at("127.0.0.1"), at("127.0.0.2") };
	nobody();
	call(&c, a, 2, "");
	ck_assert(run(&c, TURNS));
	ck_assert_int_eq(c.fd, -ECONNREFUSED);
	char want[64];
	snprintf(want, sizeof want, "127.0.0.2:%u: Connection refused", port);
	ck_assert_str_eq(c.text, want);
}
END_TEST

START_TEST(no_address_at_all_is_told)
{
	struct caller c = { .fd = 0 };
	call(&c, NULL, 0, "");
	ck_assert(run(&c, TURNS));
	ck_assert_int_lt(c.fd, 0);
	ck_assert_str_eq(c.text, "no address");
}
END_TEST

START_TEST(the_next_address_is_tried_beside_a_silent_one)
{
	struct caller c = { .fd = -1 };
	struct addr a[] = { at("127.0.0.1"), at("127.0.0.2") };
	black_hole("127.0.0.1");
	int s = server("127.0.0.2", 4);
	unsigned had = descriptors();
	call(&c, a, 2, "");
	ck_assert(!run(&c, 5));
	w.now = mono_add_ms(w.now, DIAL_BESIDE_MS - 1);
	ck_assert(!run(&c, 5));
	w.now = mono_add_ms(w.now, 1);
	ck_assert(run(&c, TURNS));
	ck_assert_int_ge(c.fd, 0);
	ck_assert(addr_equal(&c.peer, &a[1]));
	ck_assert_int_ge(take(s), 0);
	/* the silent one is closed: there is the winner's two ends */
	ck_assert_uint_eq(descriptors(), had + 2);
}
END_TEST

START_TEST(the_whole_is_bounded)
{
	struct caller c = { .fd = -1 };
	struct addr a = at("127.0.0.1");
	black_hole("127.0.0.1");
	unsigned had = descriptors();
	call(&c, &a, 1, "");
	ck_assert(!run(&c, 5));
	w.now = mono_add_ms(w.now, 999);
	ck_assert(!run(&c, 5));
	w.now = mono_add_ms(w.now, 1);
	ck_assert(run(&c, 1));
	ck_assert_int_eq(c.fd, -ETIMEDOUT);
	char want[64];
	snprintf(want, sizeof want, "127.0.0.1:%u: Connection timed out", port);
	ck_assert_str_eq(c.text, want);
	ck_assert_uint_eq(descriptors(), had);
}
END_TEST

START_TEST(the_loop_is_woken_when_something_is_due)
{
	struct caller c = { .fd = -1 };
	struct addr a[] = { at("127.0.0.1"), at("127.0.0.1") };
	black_hole("127.0.0.1");
	call(&c, a, 2, "");
	one_turn();
	w.wake_at = mono_add_ms(w.now, 60000);
	dial_tick(&w);
	ck_assert_uint_eq(w.wake_at.ns, mono_add_ms(w.now, DIAL_BESIDE_MS).ns);
	w.now = w.wake_at;
	one_turn();
	w.wake_at = mono_add_ms(w.now, 60000);
	dial_tick(&w);
	ck_assert_uint_eq(
	    w.wake_at.ns, mono_add_ms(w.now, 1000 - DIAL_BESIDE_MS).ns);
	dial_stop(&w, &c.d);
	/* nothing to do: the loop may sleep */
	w.wake_at = mono_add_ms(w.now, 60000);
	dial_tick(&w);
	ck_assert_uint_eq(w.wake_at.ns, mono_add_ms(w.now, 60000).ns);
}
END_TEST

START_TEST(local_address_is_where_it_comes_from)
{
	static const char *const texts[] = { "127.0.0.9", "::1,127.0.0.9",
		" 127.0.0.9 , ::1 " };
	struct addr a = at("127.0.0.1"), from;
	int s = server("127.0.0.1", 4);
	for (unsigned i = 0; i < 3; i++) {
		struct sockaddr_in in;
		socklen_t len = sizeof in;
		struct caller c = { .fd = -1 };
		call(&c, &a, 1, texts[i]);
		ck_assert(run(&c, TURNS));
		ck_assert_int_ge(c.fd, 0);
		int fd = take(s);
		ck_assert_int_eq(
		    getpeername(fd, (struct sockaddr *)&in, &len), 0);
		addr_from_sockaddr((struct sockaddr *)&in, &from);
		struct addr nine = at("127.0.0.9");
		ck_assert(addr_equal(&from, &nine));
	}
	/* of the other family: as if there were none */
	struct caller c = { .fd = -1 };
	call(&c, &a, 1, "2001:db8::1");
	ck_assert(run(&c, TURNS));
	ck_assert_int_ge(c.fd, 0);
}
END_TEST

START_TEST(a_local_address_that_is_none_is_told)
{
	static const char *const texts[] = { "here", "127.0.0.1,127.0.0.2",
		"127.0.0.1,", ",", "127.0.0.1 127.0.0.2", "::1 x" };
	struct addr a = at("127.0.0.1");
	server("127.0.0.1", 4);
	for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct caller c = { .fd = -1 };
		call(&c, &a, 1, texts[i]);
		ck_assert(run(&c, TURNS));
		ck_assert_int_eq(c.fd, -EINVAL);
		ck_assert_ptr_nonnull(strstr(c.text, "LocalAddress"));
	}
	struct caller c = { .fd = -1 };
	call(&c, &a, 1, "192.0.2.77");
	ck_assert(run(&c, TURNS));
	ck_assert_int_eq(c.fd, -EADDRNOTAVAIL);
	ck_assert_ptr_nonnull(strstr(c.text, "LocalAddress"));
}
END_TEST

START_TEST(families_take_turns)
{
	const struct addr a[] = { at("2001:db8::1"), at("2001:db8::2"),
		at("192.0.2.1"), at("2001:db8::3"), at("192.0.2.2") };
	static const unsigned order[] = { 0, 2, 1, 4, 3 };
	struct caller c = { .fd = -1 };
	call(&c, a, 5, "");
	ck_assert_uint_eq(c.d.n, 5);
	for (unsigned i = 0; i < 5; i++)
		ck_assert(addr_equal(&c.d.addr[i], &a[order[i]]));
	dial_stop(&w, &c.d);
	call(&c, a + 2, 3, "");
	ck_assert_uint_eq(c.d.n, 3);
	ck_assert(addr_equal(&c.d.addr[0], &a[2]));
	ck_assert(addr_equal(&c.d.addr[1], &a[3]));
	ck_assert(addr_equal(&c.d.addr[2], &a[4]));
	dial_stop(&w, &c.d);
	/* more than there is room for */
	struct addr many[40];
	for (unsigned i = 0; i < 40; i++)
		many[i] = a[i % 5];
	call(&c, many, 40, "");
	ck_assert_uint_eq(c.d.n, DIAL_ADDRS);
	dial_stop(&w, &c.d);
}
END_TEST

START_TEST(who_stops_is_not_told_and_leaves_nothing)
{
	struct caller c = { .fd = -1 }, idle = { .fd = -1 };
	struct addr a = at("127.0.0.1");
	int s = server("127.0.0.1", 4);
	dial_stop(&w, &idle.d);
	unsigned had = descriptors();
	/* before it began, while it is on its way, when it has connected */
	for (unsigned turns = 0; turns < 3; turns++) {
		call(&c, &a, 1, "");
		if (turns > 0)
			one_turn();
		if (turns > 1) {
			struct loop_event e;
			w.wake_at = mono_add_ms(w.now, 10);
			ck_assert(loop_wait(
			    w.loop, 1, mono_add_ms(clock_now(), 2000)));
			while (loop_next(w.loop, &e))
				dial_event(&w, &e);
		}
		dial_stop(&w, &c.d);
		for (unsigned i = 0; i < 5; i++)
			one_turn();
		ck_assert_uint_eq(c.told, 0);
		ck_assert_uint_eq(descriptors(), had);
	}
	int fd = take(s);
	ck_assert(fd >= 0 && ended(fd));
}
END_TEST

START_TEST(fn_may_dial_again)
{
	struct caller c = { .fd = -1, .again = 3 };
	struct addr a = at("127.0.0.1");
	nobody();
	call(&c, &a, 1, "");
	for (unsigned i = 0; i < TURNS && c.told < 4; i++) {
		unsigned had = c.told;
		one_turn();
		ck_assert_uint_le(c.told, had + 1);
	}
	ck_assert_uint_eq(c.told, 4);
	ck_assert(!c.d.active);
}
END_TEST

static struct caller *other;

static void
stops_the_other(struct worker *me, void *ctx, int fd, const struct addr *peer,
    const char *text)
{
	told(me, ctx, fd, peer, text);
	dial_stop(me, &other->d);
}

START_TEST(fn_may_stop_another_that_would_be_told_next)
{
	struct caller c[2] = { { .fd = -1 }, { .fd = -1 } };
	other = &c[1];
	for (unsigned i = 0; i < 2; i++)
		dial_start(&w, &c[i].d, NULL, 0, 1, "", 1000,
		    i == 0 ? stops_the_other : told, &c[i]);
	for (unsigned i = 0; i < 5; i++)
		one_turn();
	ck_assert_uint_eq(c[0].told, 1);
	ck_assert_uint_eq(c[1].told, 0);
}
END_TEST

START_TEST(more_than_the_table_holds_are_told_so)
{
	enum { MORE = DIAL_ATTEMPTS + 3 };
	struct rlimit rl;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = rl.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	if (rl.rlim_cur < MORE + 100)
		return; /* the table cannot be filled here */
	struct caller *c = calloc(MORE, sizeof *c);
	ck_assert_ptr_nonnull(c);
	struct addr a = at("127.0.0.1");
	black_hole("127.0.0.1");
	for (unsigned i = 0; i < MORE; i++)
		call(&c[i], &a, 1, "");
	one_turn();
	one_turn();
	for (unsigned i = 0; i < MORE; i++) {
		ck_assert_uint_eq(c[i].told, i >= DIAL_ATTEMPTS);
		if (c[i].told == 0)
			continue;
		ck_assert_int_eq(c[i].fd, -EAGAIN);
		ck_assert_ptr_nonnull(strstr(c[i].text, "too many"));
	}
	dial_stop(&w, &c[7].d);
	c[MORE - 1].told = 0;
	call(&c[MORE - 1], &a, 1, "");
	ck_assert(!run(&c[MORE - 1], 3)); /* there was room */
	w.now = mono_add_ms(w.now, 1000);
	one_turn();
	for (unsigned i = 0; i < DIAL_ATTEMPTS; i++)
		if (i != 7)
			ck_assert_int_eq(c[i].fd, -ETIMEDOUT);
	free(c);
}
END_TEST

/* A network of our own with one port for clients: 40000. */
static bool
one_port_network(void)
{
	static const char range[] = "40000 40000\n";
	struct ifreq i = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 &&
	    unshare(CLONE_NEWNET) != 0)
		return false;
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	int p = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY);
	return s >= 0 && ioctl(s, SIOCSIFFLAGS, &i) == 0 && p >= 0 &&
	       write(p, range, sizeof range - 1) == (ssize_t)sizeof range - 1;
}

START_TEST(a_socket_that_reaches_itself_has_reached_nobody)
{
	struct caller c = { .fd = -1 };
	struct addr a = at("127.0.0.1");
	if (!one_port_network())
		return; /* not allowed here */
	port = 40000;
	call(&c, &a, 1, "");
	ck_assert(run(&c, TURNS));
	ck_assert_int_eq(c.fd, -ECONNREFUSED);
	ck_assert_str_eq(c.text, "127.0.0.1:40000: Connection refused");
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("dial");
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_server_that_listens_is_reached);
	tcase_add_test(t, ipv6_too);
	tcase_add_test(t, the_next_address_is_tried_at_once_when_one_fails);
	tcase_add_test(t, all_that_refuse_are_told_with_address_and_why);
	tcase_add_test(t, no_address_at_all_is_told);
	tcase_add_test(t, the_next_address_is_tried_beside_a_silent_one);
	tcase_add_test(t, the_whole_is_bounded);
	tcase_add_test(t, the_loop_is_woken_when_something_is_due);
	tcase_add_test(t, local_address_is_where_it_comes_from);
	tcase_add_test(t, a_local_address_that_is_none_is_told);
	tcase_add_test(t, families_take_turns);
	tcase_add_test(t, who_stops_is_not_told_and_leaves_nothing);
	tcase_add_test(t, fn_may_dial_again);
	tcase_add_test(t, fn_may_stop_another_that_would_be_told_next);
	tcase_add_test(t, more_than_the_table_holds_are_told_so);
	tcase_add_test(t, a_socket_that_reaches_itself_has_reached_nobody);
	return turns_main(t, "dial");
}
