/*
 * check_resolve - worker/resolve.h over the real loop and c-ares, against a
 * server of names of our own (t/unit/dns.h) and a hosts file of our own.  The
 * worker's clock stands still unless a case moves it.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/dns.h"
#include "t/unit/turns.h"
#include "worker/resolve.h"

enum { TURNS = 3000 };

struct caller {
	struct resolve r;
	unsigned told; /* how often */
	unsigned n;
	struct addr addr[RESOLVE_ADDRS];
	char error[400];
	/* from inside fn: ask for this, so often; stop that one */
	const char *then;
	unsigned again;
	struct resolve *stop;
};

static char servers[32];
static char hosts[64];

static void
write_hosts(const char *text)
{
	FILE *f = fopen(hosts, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void
begin(void)
{
	snprintf(hosts, sizeof hosts, "check_resolve.%d.hosts", (int)getpid());
	write_hosts("# none\n");
	dns_open(servers);
	turns_begin();
	ck_assert_int_eq(resolve_init(&w, hosts, servers), 0);
}

static void
end(void)
{
	resolve_fini(&w);
	turns_end();
	dns_close();
	unlink(hosts);
}

static void
told(struct worker *me, void *ctx, const struct addr *addrs, unsigned n,
    const char *error)
{
	struct caller *c = ctx;
	ck_assert_ptr_eq(me, &w);
	ck_assert_uint_le(n, RESOLVE_ADDRS);
	ck_assert((n == 0) == (error[0] != '\0'));
	c->told++;
	c->n = n;
	memcpy(c->addr, addrs, n * sizeof *addrs);
	snprintf(c->error, sizeof c->error, "%s", error);
	if (c->stop != NULL)
		resolve_stop(me, c->stop);
	if (c->again > 0) {
		c->again--;
		resolve_start(me, &c->r, c->then, told, c);
	}
}

static void
ask(struct caller *c, const char *host)
{
	unsigned had = c->told;
	resolve_start(&w, &c->r, host, told, c);
	ck_assert_uint_eq(c->told, had);
}

static void
one_turn(void)
{
	dns_serve();
	turn(resolve_event, resolve_tick);
}

/* Until c is told, or so many turns. */
static bool
run(const struct caller *c, unsigned turns)
{
	unsigned had = c->told;
	for (unsigned i = 0; i < turns && c->told == had; i++)
		one_turn();
	return c->told > had;
}

static void
ask_and_run(struct caller *c, const char *host)
{
	ask(c, host);
	ck_assert_msg(run(c, TURNS), "%s: no answer", host);
}

static bool
got(const struct caller *c, const char *text)
{
	struct addr a;
	ck_assert_int_eq(addr_parse(text, strlen(text), &a), 0);
	for (unsigned i = 0; i < c->n; i++)
		if (addr_equal(&c->addr[i], &a))
			return true;
	return false;
}

START_TEST(numeric_addresses_need_no_question)
{
	static const char *const hosts_of[] = { "192.0.2.7", "192.0.2.7",
		"2001:db8::7", "2001:db8::7", "[2001:db8::7]", "2001:db8::7" };
	for (unsigned i = 0; i < 6; i += 2) {
		struct caller c = { .n = 0 };
		ask(&c, hosts_of[i]);
		ck_assert(run(&c, 1));
		ck_assert_uint_eq(c.n, 1);
		ck_assert(got(&c, hosts_of[i + 1]));
	}
	ck_assert_uint_eq(dns_asked(), 0);
}
END_TEST

START_TEST(a_name_has_addresses_of_both_families)
{
	struct caller c = { .n = 0 };
	ask_and_run(&c, "both.test");
	ck_assert_uint_eq(c.n, 3);
	ck_assert(got(&c, "192.0.2.1") && got(&c, "192.0.2.2"));
	ck_assert(got(&c, "2001:db8::1"));
	ask_and_run(&c, "four.test");
	ck_assert(c.n == 1 && got(&c, "192.0.2.1"));
	ask_and_run(&c, "six.test");
	ck_assert(c.n == 1 && got(&c, "2001:db8::1"));
	ask_and_run(&c, "alias.test");
	ck_assert(c.n == 1 && got(&c, "192.0.2.1"));
	ck_assert_uint_eq(c.told, 4);
}
END_TEST

START_TEST(more_addresses_than_are_kept_are_left_out)
{
	struct caller c = { .n = 0 };
	ask_and_run(&c, "many.test");
	ck_assert_uint_eq(c.n, RESOLVE_ADDRS);
}
END_TEST

START_TEST(those_who_ask_at_once_share_a_question)
{
	struct caller c[20] = { 0 };
	for (unsigned i = 0; i < 20; i++)
		ask(&c[i], i % 2 == 0 ? "both.test" : "BOTH.test");
	ck_assert(run(&c[19], TURNS));
	ck_assert_uint_eq(dns_asked(), 2); /* A, AAAA */
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_uint_eq(c[i].told, 1);
		ck_assert_uint_eq(c[i].n, 3);
	}
}
END_TEST

/* For how long is host not asked for again? */
static void
kept_for(const char *host, unsigned ms)
{
	struct caller c = { .n = 0 };
	ask_and_run(&c, host);
	unsigned had = dns_asked();
	w.now = mono_add_ms(w.now, ms - 1);
	ask(&c, host);
	ck_assert(run(&c, 1));
	ck_assert_uint_eq(dns_asked(), had);
	w.now = mono_add_ms(w.now, 1);
	ask_and_run(&c, host);
	ck_assert_uint_gt(dns_asked(), had);
}

START_TEST(answers_are_kept_as_they_say_but_1_to_30_s)
{
	kept_for("ten.test", 10000);
	kept_for("both.test", 30000);
	kept_for("brief.test", 1000);
	kept_for("alias.test", 5000); /* the least of all records */
}
END_TEST

START_TEST(failures_are_told_and_kept_for_1_s)
{
	struct caller c = { .n = 0 };
	ask_and_run(&c, "unknown.test");
	ck_assert_uint_eq(c.n, 0);
	ck_assert_ptr_nonnull(strstr(c.error, "unknown.test: "));
	ck_assert_ptr_nonnull(strstr(c.error, "not found"));
	ask_and_run(&c, "nothing.test");
	ck_assert_uint_eq(c.n, 0);
	kept_for("unknown.test", 1000);
	kept_for("nothing.test", 1000);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_a_failure)
{
	struct caller c = { .n = 0 };
	dns_close();
	ask_and_run(&c, "both.test");
	ck_assert_uint_eq(c.n, 0);
	ck_assert_ptr_nonnull(strstr(c.error, "both.test: "));
}
END_TEST

START_TEST(a_server_that_says_nothing_is_asked_again_and_given_up)
{
	struct caller c = { .n = 0 };
	ask_and_run(&c, "silent.test");
	ck_assert_uint_eq(c.n, 0);
	ck_assert_ptr_nonnull(strstr(c.error, "silent.test: Timeout"));
	ck_assert_uint_gt(dns_asked(), 2);
}
END_TEST

START_TEST(wrong_answers_are_failures)
{
	struct caller c = { .n = 0 };
	ask_and_run(&c, "garbage.test");
	ck_assert_uint_eq(c.n, 0);
	ask_and_run(&c, "failing.test");
	ck_assert_uint_eq(c.n, 0);
	ask_and_run(&c, "both.test");
	ck_assert_uint_eq(c.n, 3);
}
END_TEST

START_TEST(an_answer_that_is_cut_is_asked_for_by_tcp)
{
	struct caller c = { .n = 0 };
	ask_and_run(&c, "large.test");
	ck_assert(c.n == 1 && got(&c, "192.0.2.1"));
	ck_assert_uint_gt(dns_asked_tcp(), 0);
	/* and its socket has left nothing */
	ask_and_run(&c, "both.test");
	ck_assert_uint_eq(c.n, 3);
}
END_TEST

START_TEST(the_hosts_file_comes_first_and_may_be_edited)
{
	struct caller c = { .n = 0 };
	write_hosts("198.51.100.1 edge1.adobe.com edge1\n"
		    "198.51.100.2 both.test\n2001:db8::22 both.test\n");
	ask_and_run(&c, "edge1.adobe.com");
	ck_assert(c.n == 1 && got(&c, "198.51.100.1"));
	ask_and_run(&c, "edge1");
	ck_assert(c.n == 1 && got(&c, "198.51.100.1"));
	ask_and_run(&c, "both.test");
	ck_assert(c.n == 2 && got(&c, "198.51.100.2"));
	ck_assert(got(&c, "2001:db8::22"));
	ck_assert_uint_eq(dns_asked(), 0);
	write_hosts("198.51.100.9 edge1.adobe.com\n");
	w.now = mono_add_ms(w.now, 1000);
	ask_and_run(&c, "edge1.adobe.com");
	ck_assert(c.n == 1 && got(&c, "198.51.100.9"));
}
END_TEST

START_TEST(what_is_no_host_name_is_not_asked_for)
{
	char longest[300];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	const char *bad[] = { "", "a b", "a/b", "[::1", "[192.0.2.1]",
		"a\nb.test", "http://both.test", "both.test:1935", "*",
		"\xc3\xa4.test", longest, ".", "..", "a..b" };
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct caller c = { .n = 0 };
		ask_and_run(&c, bad[i]);
		ck_assert_uint_eq(c.n, 0);
	}
	ck_assert_uint_eq(dns_asked(), 0);
}
END_TEST

START_TEST(who_stops_is_not_told)
{
	struct caller c[3] = { 0 };
	resolve_stop(&w, &c[0].r); /* idle */
	for (unsigned i = 0; i < 3; i++)
		ask(&c[i], "both.test");
	resolve_stop(&w, &c[1].r);
	ck_assert(run(&c[2], TURNS));
	ck_assert_uint_eq(c[0].told, 1);
	ck_assert_uint_eq(c[1].told, 0);
	/* all of them: the answer is kept nevertheless */
	ask(&c[0], "four.test");
	resolve_stop(&w, &c[0].r);
	while (dns_asked() < 4)
		one_turn();
	for (unsigned i = 0; i < 20; i++)
		one_turn();
	ck_assert_uint_eq(c[0].told, 1);
	ask(&c[0], "four.test");
	ck_assert(run(&c[0], 1));
	ck_assert_uint_eq(dns_asked(), 4);
}
END_TEST

START_TEST(fn_may_ask_again_and_is_told_in_a_later_turn)
{
	struct caller c = { .then = "both.test", .again = 3 };
	ask_and_run(&c, "both.test");
	for (unsigned k = 1; k < 4; k++) {
		ck_assert_uint_eq(c.told, k);
		one_turn();
	}
	ck_assert_uint_eq(c.told, 4);
	ck_assert_uint_eq(c.n, 3);
	ck_assert_uint_eq(dns_asked(), 2);
}
END_TEST

START_TEST(fn_may_stop_those_told_after_it)
{
	struct caller c[3] = { 0 };
	c[0].stop = &c[1].r;
	c[2].stop = &c[2].r;
	for (unsigned i = 0; i < 3; i++)
		ask(&c[i], "both.test");
	ck_assert(run(&c[2], TURNS));
	ck_assert_uint_eq(c[0].told, 1);
	ck_assert_uint_eq(c[1].told, 0);
	ck_assert_uint_eq(c[2].told, 1);
}
END_TEST

START_TEST(more_names_than_there_are_questions_are_told_so)
{
	enum { MORE = RESOLVE_QUESTIONS + 5 };
	static struct caller c[MORE];
	char name[32];
	for (unsigned i = 0; i < MORE; i++) {
		c[i] = (struct caller){ .then = "n.silent.test" };
		snprintf(name, sizeof name, "n%u.silent.test", i);
		c[i].again = i == RESOLVE_QUESTIONS ? 2 : 0;
		ask(&c[i], name);
	}
	for (unsigned k = 0; k < 4; k++)
		one_turn();
	for (unsigned i = 0; i < MORE; i++) {
		unsigned want = i < RESOLVE_QUESTIONS	 ? 0
				: i == RESOLVE_QUESTIONS ? 3
							 : 1;
		ck_assert_uint_eq(c[i].told, want);
		if (want > 0)
			ck_assert_ptr_nonnull(
			    strstr(c[i].error, "names are asked for"));
	}
	/* one that is asked for already needs no question */
	struct caller same = { .n = 0 };
	ask(&same, "n0.silent.test");
	ck_assert(!run(&same, 3));
	/* and the worker ends with all of them open */
}
END_TEST

START_TEST(a_thousand_names_leave_no_descriptor)
{
	struct caller c = { .n = 0 };
	unsigned had = 0, have = 0;
	char name[32];
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "n%u.both.test", i);
		ask_and_run(&c, name);
		ck_assert_uint_eq(c.n, 3);
		if (i != 0 && i != 999)
			continue;
		have = 0;
		for (int fd = 0; fd < 1024; fd++)
			have += fcntl(fd, F_GETFD) >= 0;
		if (i == 0)
			had = have;
	}
	ck_assert_uint_eq(have, had);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("resolve");
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, numeric_addresses_need_no_question);
	tcase_add_test(t, a_name_has_addresses_of_both_families);
	tcase_add_test(t, more_addresses_than_are_kept_are_left_out);
	tcase_add_test(t, those_who_ask_at_once_share_a_question);
	tcase_add_test(t, answers_are_kept_as_they_say_but_1_to_30_s);
	tcase_add_test(t, failures_are_told_and_kept_for_1_s);
	tcase_add_test(t, a_server_that_is_not_there_is_a_failure);
	tcase_add_test(
	    t, a_server_that_says_nothing_is_asked_again_and_given_up);
	tcase_add_test(t, wrong_answers_are_failures);
	tcase_add_test(t, an_answer_that_is_cut_is_asked_for_by_tcp);
	tcase_add_test(t, the_hosts_file_comes_first_and_may_be_edited);
	tcase_add_test(t, what_is_no_host_name_is_not_asked_for);
	tcase_add_test(t, who_stops_is_not_told);
	tcase_add_test(t, fn_may_ask_again_and_is_told_in_a_later_turn);
	tcase_add_test(t, fn_may_stop_those_told_after_it);
	tcase_add_test(t, more_names_than_there_are_questions_are_told_so);
	tcase_add_test(t, a_thousand_names_leave_no_descriptor);
	return turns_main(t, "resolve");
}
