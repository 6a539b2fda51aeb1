/* check_msg - one case per promise of worker/msg.h. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "worker/msg.h"

enum { LIMIT = 64 * 1024, LEN = 40000 };

static struct worker w;
static uint32_t account;

static void
set_up(void)
{
	memset(&w, 0, sizeof w);
	account = 0;
	bufpool_init(&w.pool, 1 << 20);
}

/* What is given back is whole, and nothing is counted any more. */
static void
tear_down(void)
{
	ck_assert_uint_eq(account, 0);
	ck_assert_uint_eq(w.pool.lent, 0);
	bufpool_fini(&w.pool);
}

START_TEST(a_promise_takes_no_memory)
{
	struct msg *m = msg_new(&w, 16 << 20, NULL, &account);
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->len, 16 << 20);
	ck_assert_uint_eq(m->got, 0);
	ck_assert_uint_le(account, 2048);
	ck_assert_uint_eq(account, w.pool.lent);
	msg_free(&w, m, &account);
}
END_TEST

START_TEST(a_new_one_is_clean)
{
	void *dirt = bufpool_get(&w.pool, 512);
	memset(dirt, 0xff, 512);
	bufpool_put(&w.pool, dirt, 512);
	struct msg *m = msg_new(&w, 10, NULL, &account);
	ck_assert(!m->in_ring && !m->dropped && m->kind == 0 && m->class == 0);
	ck_assert_ptr_null(m->spill);
	ck_assert_ptr_null(m->pub);
	msg_free(&w, m, &account);
}
END_TEST

START_TEST(length_0_is_possible)
{
	struct msg *m = msg_new(&w, 0, NULL, &account);
	ck_assert_ptr_nonnull(m);
	ck_assert(msg_append(&w, &m, "", 0, &account, LIMIT));
	ck_assert_uint_eq(m->got, 0);
	msg_free(&w, m, &account);
}
END_TEST

/* Every size of piece, over every move to a larger buffer. */
START_TEST(bytes_arrive_in_order)
{
	static const uint32_t pieces[] = { 1, 7, 255, 256, 257, 4096, LEN };
	uint32_t piece = pieces[_i];
	static uint8_t from[LEN];
	for (uint32_t i = 0; i < LEN; i++)
		from[i] = (uint8_t)(i * 7 + i / 251);
	struct msg *m = msg_new(&w, LEN, NULL, &account);
	m->ts = 77;
	m->msid = 3;
	for (uint32_t at = 0; at < LEN; at += piece) {
		uint32_t n = LEN - at < piece ? LEN - at : piece;
		ck_assert(
		    msg_append(&w, &m, from + at, n, &account, 256 * 1024));
		ck_assert_uint_eq(account, w.pool.lent);
	}
	ck_assert_uint_eq(m->got, LEN);
	ck_assert_uint_eq(m->ts, 77);
	ck_assert_uint_eq(m->msid, 3);
	ck_assert_mem_eq(m->data, from, LEN);
	msg_free(&w, m, &account);
}
END_TEST

START_TEST(the_limit_of_the_connection_holds)
{
	static uint8_t bytes[LEN];
	uint32_t others = LIMIT - 4096;
	account = others;
	struct msg *m = msg_new(&w, LEN, NULL, &account);
	ck_assert(msg_append(&w, &m, bytes, 1000, &account, LIMIT));
	struct msg *was = m;
	uint32_t counted = account;
	ck_assert(!msg_append(&w, &m, bytes, LEN - 1000, &account, LIMIT));
	/* as before: it can still be freed */
	ck_assert_ptr_eq(m, was);
	ck_assert_uint_eq(m->got, 1000);
	ck_assert_uint_eq(account, counted);
	ck_assert_uint_eq(account - others, w.pool.lent);
	msg_free(&w, m, &account);
	ck_assert_uint_eq(account, others);
	account = 0;
}
END_TEST

/* Take all that a newcomer may have; returns how many buffers. */
static size_t
fill(void **all, void *(*get)(struct bufpool *, size_t))
{
	size_t n = 0;
	while ((all[n] = get(&w.pool, 512)) != NULL)
		n++;
	return n;
}

START_TEST(an_empty_pool_is_told)
{
	static uint8_t bytes[LEN];
	static void *all[4096];
	struct msg *m = msg_new(&w, LEN, NULL, &account);
	size_t n = fill(all, bufpool_get);
	ck_assert_ptr_null(msg_new(&w, 10, NULL, &account));
	ck_assert(!msg_append(&w, &m, bytes, 1000, &account, LIMIT));
	ck_assert_uint_eq(m->got, 0);
	msg_free(&w, m, &account);
	while (n > 0)
		bufpool_put(&w.pool, all[--n], 512);
}
END_TEST

/* Architecture, invariant 5: at a bound running streams are untouched. */
START_TEST(a_publish_has_memory_when_newcomers_have_none)
{
	static uint8_t bytes[LEN];
	static void *all[4096];
	struct publish *pub = (struct publish *)bytes; /* never looked into */
	size_t n = fill(all, bufpool_get_new);
	ck_assert_ptr_null(msg_new(&w, 10, NULL, &account));
	struct msg *m = msg_new(&w, LEN, pub, &account);
	ck_assert_ptr_nonnull(m);
	ck_assert_ptr_eq(m->pub, pub);
	ck_assert(msg_append(&w, &m, bytes, LEN, &account, 256 * 1024));
	ck_assert_ptr_eq(m->pub, pub);
	msg_free(&w, m, &account);
	while (n > 0)
		bufpool_put(&w.pool, all[--n], 512);
}
END_TEST

START_TEST(a_spilled_one_gives_both_buffers_back)
{
	struct msg *m = msg_new(&w, 3000, NULL, &account);
	m->spill = bufpool_get(&w.pool, m->len);
	account += (uint32_t)bufpool_round(m->len);
	ck_assert_uint_eq(account, w.pool.lent);
	msg_free(&w, m, &account);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("msg");
	TCase *c = tcase_create("promises");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_promise_takes_no_memory);
	tcase_add_test(c, a_new_one_is_clean);
	tcase_add_test(c, length_0_is_possible);
	tcase_add_loop_test(c, bytes_arrive_in_order, 0, 7);
	tcase_add_test(c, the_limit_of_the_connection_holds);
	tcase_add_test(c, an_empty_pool_is_told);
	tcase_add_test(c, a_publish_has_memory_when_newcomers_have_none);
	tcase_add_test(c, a_spilled_one_gives_both_buffers_back);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
