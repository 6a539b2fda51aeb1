/*
 * check_hops - worker/hops.h: what is known of next servers, and who is told.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/hops.h"
#include "worker/link.h"

static struct worker w;
static struct ipc_hop sent[HOPS_MAX + 8];
static unsigned nsent;

/* Instead of worker/link.c. */
void
link_send(struct worker *me, struct ipc_msg *m)
{
	ck_assert_ptr_eq(me, &w);
	ck_assert_uint_eq(m->kind, IPC_HOP);
	ck_assert_uint_lt(nsent, HOPS_MAX + 8);
	sent[nsent++] = m->u.hop;
}

static void
begin(void)
{
	log_open(-1, LOG_LEVEL_DEBUG);
	w = (struct worker){ .now = { 1000 * NS_PER_S } };
	w.wake_at = mono_add_ms(w.now, 1000000);
	nsent = 0;
	ck_assert_int_eq(hops_init(&w), 0);
}

static void
end(void)
{
	hops_fini(&w);
}

static void
pass(uint64_t ms)
{
	w.now = mono_add_ms(w.now, ms);
	w.wake_at = mono_add_ms(w.now, 1000000);
}

/* The master says so. */
static void
hear(const char *hop, bool down, const char *text)
{
	struct ipc_hop m = { .down = down };
	snprintf(m.hop, sizeof m.hop, "%s", hop);
	snprintf(m.text, sizeof m.text, "%s", text);
	hops_message(&w, &m);
}

static bool
due(const char *hop)
{
	char got[IPC_HOP_MAX];
	return hops_next_probe(&w, got) && strcmp(got, hop) == 0;
}

START_TEST(one_that_failed_is_down_until_it_has_answered)
{
	ck_assert(!hops_down(&w, "a:1935"));
	ck_assert_str_eq(hops_why(&w, "a:1935"), "");
	hops_failed(&w, "a:1935", "Connection refused");
	ck_assert(hops_down(&w, "a:1935"));
	ck_assert(hops_down(&w, "A:1935"));
	ck_assert(!hops_down(&w, "a:1936"));
	ck_assert_str_eq(hops_why(&w, "a:1935"), "Connection refused");
	pass(3600000);
	ck_assert(hops_down(&w, "a:1935"));
	hops_alive(&w, "a:1935");
	ck_assert(!hops_down(&w, "a:1935"));
}
END_TEST

START_TEST(the_master_is_told_of_changes_and_of_nothing_else)
{
	hops_alive(&w, "a:1935");
	ck_assert_uint_eq(nsent, 0);
	hops_failed(&w, "a:1935", "first");
	hops_failed(&w, "a:1935", "second");
	ck_assert_uint_eq(nsent, 1);
	ck_assert_uint_eq(sent[0].down, 1);
	ck_assert_str_eq(sent[0].hop, "a:1935");
	ck_assert_str_eq(sent[0].text, "first");
	hops_alive(&w, "a:1935");
	hops_alive(&w, "a:1935");
	ck_assert_uint_eq(nsent, 2);
	ck_assert_uint_eq(sent[1].down, 0);
	ck_assert_str_eq(sent[1].hop, "a:1935");
}
END_TEST

START_TEST(what_others_found_is_believed_and_not_told_back)
{
	hear("a:1935", true, "dead");
	ck_assert(hops_down(&w, "a:1935"));
	ck_assert_str_eq(hops_why(&w, "a:1935"), "dead");
	hear("a:1935", true, "dead");
	hear("a:1935", false, "");
	hear("a:1935", false, "");
	ck_assert(!hops_down(&w, "a:1935"));
	ck_assert_uint_eq(nsent, 0);
	/* found alive here, although it was found dead there */
	hear("a:1935", true, "dead");
	hops_alive(&w, "a:1935");
	ck_assert_uint_eq(nsent, 1);
	ck_assert_uint_eq(sent[0].down, 0);
}
END_TEST

START_TEST(a_probe_is_due_ten_seconds_after_the_last_failure)
{
	hops_failed(&w, "a:1935", "x");
	ck_assert_uint_eq(w.wake_at.ns, mono_add_ms(w.now, HOP_PROBE_MS).ns);
	pass(5000);
	hops_failed(&w, "a:1935", "x");
	pass(9999);
	ck_assert(!due("a:1935"));
	/* the loop will look again in time */
	ck_assert_uint_eq(w.wake_at.ns, mono_add_ms(w.now, 1).ns);
	pass(1);
	ck_assert(due("a:1935"));
	ck_assert(!due("a:1935"));
	pass(9999);
	ck_assert(!due("a:1935"));
	pass(1);
	ck_assert(due("a:1935"));
	hops_alive(&w, "a:1935");
	pass(60000);
	ck_assert(!due("a:1935"));
}
END_TEST

START_TEST(one_told_of_is_left_to_its_finder_for_a_while)
{
	hear("a:1935", true, "x");
	hops_failed(&w, "b:1935", "x");
	pass(10000);
	ck_assert(due("b:1935"));
	ck_assert(!due("a:1935"));
	pass(20000);
	ck_assert(due("a:1935"));
	ck_assert(due("b:1935"));
	ck_assert(!due("a:1935"));
}
END_TEST

START_TEST(workers_do_not_probe_all_at_once)
{
	w.self = SLOTS_MAX / 2;
	hops_failed(&w, "a:1935", "x");
	pass(10000);
	ck_assert(!due("a:1935"));
	pass(500);
	ck_assert(due("a:1935"));
}
END_TEST

START_TEST(above_the_limit_the_one_found_first_is_forgotten)
{
	char name[32];
	for (unsigned i = 0; i < HOPS_MAX + 2; i++) {
		snprintf(name, sizeof name, "hop%u:1935", i);
		hops_failed(&w, name, "x");
	}
	ck_assert(!hops_down(&w, "hop0:1935"));
	ck_assert(!hops_down(&w, "hop1:1935"));
	ck_assert(hops_down(&w, "hop2:1935"));
	ck_assert(hops_down(&w, name));
	hops_alive(&w, "hop7:1935");
	hops_failed(&w, "hop0:1935", "x");
	ck_assert(hops_down(&w, "hop2:1935"));
	ck_assert(hops_down(&w, "hop0:1935"));
}
END_TEST

START_TEST(texts_of_any_length_fit)
{
	char name[IPC_HOP_MAX + 1], why[1000];
	struct ipc_hop m = { .down = 1 };
	memset(name, 'a', sizeof name);
	memset(why, 'b', sizeof why - 1);
	why[sizeof why - 1] = '\0';
	name[IPC_HOP_MAX] = '\0';
	hops_failed(&w, name, why);
	hops_failed(&w, "", why);
	ck_assert(!hops_down(&w, name));
	ck_assert_uint_eq(nsent, 0);
	name[IPC_HOP_MAX - 1] = '\0';
	hops_failed(&w, name, why);
	ck_assert(hops_down(&w, name));
	ck_assert_uint_eq(strlen(hops_why(&w, name)), IPC_TEXT_MAX - 1);
	ck_assert_uint_eq(strlen(sent[0].hop), IPC_HOP_MAX - 1);
	/* without an end, which no master sends */
	memset(m.hop, 'c', sizeof m.hop);
	memset(m.text, 'd', sizeof m.text);
	hops_message(&w, &m);
	memset(name, 'c', IPC_HOP_MAX - 1);
	ck_assert(hops_down(&w, name));
	ck_assert_uint_eq(strlen(hops_why(&w, name)), IPC_TEXT_MAX - 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hops");
	TCase *t = tcase_create("hops");
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, one_that_failed_is_down_until_it_has_answered);
	tcase_add_test(t, the_master_is_told_of_changes_and_of_nothing_else);
	tcase_add_test(t, what_others_found_is_believed_and_not_told_back);
	tcase_add_test(t, a_probe_is_due_ten_seconds_after_the_last_failure);
	tcase_add_test(t, one_told_of_is_left_to_its_finder_for_a_while);
	tcase_add_test(t, workers_do_not_probe_all_at_once);
	tcase_add_test(t, above_the_limit_the_one_found_first_is_forgotten);
	tcase_add_test(t, texts_of_any_length_fit);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
