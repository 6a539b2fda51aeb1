/* check_node - worker/node.h: requests that come round, or too far. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/node.h"

#define ME    "00000000000000ab"
#define OTHER "0123456789abcdef"

static struct worker *w;

static void
begin(void)
{
	w = calloc(1, sizeof *w);
	ck_assert_ptr_nonnull(w);
	w->arena.control = calloc(1, sizeof *w->arena.control);
	ck_assert_ptr_nonnull(w->arena.control);
	w->arena.control->node = 0xab;
}

static void
end(void)
{
	free(w->arena.control);
	free(w);
}

static enum reason
check(const char *via, double hops)
{
	return node_check_via(w, span_of(via), hops);
}

START_TEST(circles)
{
	ck_assert_int_eq(check("", 0), REASON_NONE);
	ck_assert_int_eq(check(OTHER, 1), REASON_NONE);
	ck_assert_int_eq(check(OTHER "," OTHER, 2), REASON_NONE);
	ck_assert_int_eq(check(ME, 1), REASON_LOOP);
	ck_assert_int_eq(check(OTHER "," ME, 2), REASON_LOOP);
	ck_assert_int_eq(check(ME "," OTHER, 2), REASON_LOOP);
}
END_TEST

START_TEST(too_far)
{
	ck_assert_int_eq(check("", NODE_HOPS_MAX - 1), REASON_NONE);
	ck_assert_int_eq(check("", NODE_HOPS_MAX), REASON_HOP_LIMIT);
	ck_assert_int_eq(check("", 1e300), REASON_HOP_LIMIT);
	ck_assert_int_eq(check("", -1), REASON_HOP_LIMIT);
	ck_assert_int_eq(check("", (double)NAN), REASON_HOP_LIMIT);
}
END_TEST

/* Cut at every byte, and with strange bytes: it is no list. */
START_TEST(no_list)
{
	const char *good = OTHER "," OTHER;
	char text[64];
	for (size_t n = 1; n < strlen(good); n++) {
		if (n == 16)
			continue; /* one whole id */
		ck_assert_int_eq(node_check_via(w, (struct span){ good, n }, 1),
		    REASON_HOP_LIMIT);
	}
	for (size_t i = 0; i < strlen(good); i++) {
		snprintf(text, sizeof text, "%s", good);
		text[i] = 'X';
		ck_assert_int_eq(check(text, 1), REASON_HOP_LIMIT);
	}
}
END_TEST

/* The list grows by us; the oldest makes room. */
START_TEST(extends)
{
	char to[IPC_VIA_MAX + 1], via[IPC_VIA_MAX + 1] = "";
	ck_assert_uint_eq(node_extend_via(w, (struct span){ via, 0 }, to), 16);
	ck_assert_str_eq(to, ME);
	for (unsigned i = 0; i < 40; i++) {
		size_t n = node_extend_via(w, span_of(via), to);
		ck_assert_uint_le(n, IPC_VIA_MAX);
		ck_assert_uint_eq(n, strlen(to));
		ck_assert_str_eq(to + n - 16, ME);
		w->arena.control->node++;
		ck_assert_int_eq(check(to, 1), REASON_NONE);
		memcpy(via, to, n + 1);
		w->arena.control->node--;
	}
	ck_assert_uint_eq(strlen(via), 16 * 17 - 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("node");
	TCase *t = tcase_create("node");
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, circles);
	tcase_add_test(t, too_far);
	tcase_add_test(t, no_list);
	tcase_add_test(t, extends);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
