/* check_talk - one case per promise of common/talk.h. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/talk.h"

static char buf[TALK_MAX], text[TALK_MAX + 1];

static struct talk
sample(void)
{
	struct talk t = { .kind = TALK_CONNECT,
		.flag = true,
		.client = UINT64_C(0x123456789abcdef0),
		.number = -1.5 };
	t.field[TALK_KEY] = (struct span){ "v\0a\0i", 5 };
	t.field[TALK_URL] = span_of("rtmp://h/a");
	t.field[TALK_ARGS] = span_of("[1]");
	return t;
}

static void
same(const struct talk *a, const struct talk *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert(a->flag == b->flag);
	ck_assert(a->client == b->client);
	ck_assert(a->number == b->number);
	for (unsigned i = 0; i < TALK_FIELDS; i++)
		ck_assert(span_equal(a->field[i], b->field[i]));
}

START_TEST(what_is_packed_is_read_back_and_no_part_of_it)
{
	struct talk t = sample(), u;
	size_t n = talk_pack(&t, buf, sizeof buf);
	ck_assert_uint_gt(n, 18);
	for (size_t cap = 0; cap < n; cap++)
		ck_assert_uint_eq(talk_pack(&t, text, cap), 0);
	ck_assert_int_eq(talk_unpack(buf, n, &u), 0);
	same(&t, &u);
	for (size_t i = 0; i <= n + 1; i++) {
		char *copy = malloc(n + 2);
		memcpy(copy, buf, n + 1);
		/* from a block of its exact size, and of no alignment */
		char *exact = malloc(i + 1);
		memcpy(exact + 1, copy, i < n + 1 ? i : n + 1);
		ck_assert_int_eq(
		    talk_unpack(exact + 1, i, &u), i == n ? 0 : -EPROTO);
		free(exact);
		free(copy);
	}
}
END_TEST

START_TEST(lengths_kinds_and_flags_are_checked)
{
	struct talk t = sample(), u;
	size_t n = talk_pack(&t, buf, sizeof buf);
	for (size_t at = 0; at < n - 18; at++) {
		char *bad = malloc(n);
		memcpy(bad, buf, n);
		bad[at] = (char)0xff;
		int r = talk_unpack(bad, n, &u);
		/* client, number and what is not used may be anything */
		bool free_form =
		    (at >= 12 && at < 32) || at >= 32 + 4 * TALK_FIELDS;
		ck_assert_msg(r == (free_form ? 0 : -EPROTO), "byte %zu", at);
		free(bad);
	}
	for (unsigned kind = 0; kind < TALK_KIND_COUNT + 2; kind++) {
		buf[0] = (char)kind;
		ck_assert_int_eq(talk_unpack(buf, n, &u),
		    kind > 0 && kind < TALK_KIND_COUNT ? 0 : -EPROTO);
	}
}
END_TEST

START_TEST(the_longest_is_sent_and_one_byte_more_is_not)
{
	struct talk_link a, b;
	struct talk t = { .kind = TALK_RETURN }, u;
	int sv[2];
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	talk_open(&a, sv[0]);
	talk_open(&b, sv[1]);
	memset(text, 'x', sizeof text);
	t.field[0] = (struct span){ text, 1000 };
	t.field[6] = (struct span){ text, TALK_TEXT_MAX - 1000 };
	ck_assert_int_eq(talk_send(&a, &t), 0);
	ck_assert_int_eq(talk_recv(&b, buf, &u), 1);
	same(&t, &u);
	t.field[6].len++;
	ck_assert_int_eq(talk_send(&a, &t), -EMSGSIZE);
	t.field[6].len = SIZE_MAX;
	ck_assert_int_eq(talk_send(&a, &t), -EMSGSIZE);
	ck_assert_int_eq(talk_recv(&b, buf, &u), -EAGAIN);
	/* nonsense of the other end */
	ck_assert_int_eq(send(a.fd, text, 100, 0), 100);
	ck_assert_int_eq(talk_recv(&b, buf, &u), -EPROTO);
	ck_assert_int_eq(send(a.fd, text, TALK_MAX + 1, 0), TALK_MAX + 1);
	ck_assert_int_eq(talk_recv(&b, buf, &u), -EPROTO);
	talk_close(&a);
	ck_assert_int_eq(talk_recv(&b, buf, &u), 0);
	ck_assert_int_lt(talk_send(&b, &t), 0);
	talk_close(&b);
}
END_TEST

START_TEST(what_waits_keeps_its_order_and_is_bounded)
{
	struct talk_link a, b;
	struct talk t = { .kind = TALK_CALL }, u;
	int sv[2], r;
	unsigned n = 0, got = 0;
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	talk_open(&a, sv[0]);
	talk_open(&b, sv[1]);
	t.field[1] = (struct span){ text, 50000 };
	for (;; n++) {
		t.number = n;
		if ((r = talk_send(&a, &t)) != 0)
			break;
	}
	ck_assert_int_eq(r, -ENOBUFS);
	ck_assert_uint_gt(n, TALK_QUEUE / 51000);
	ck_assert_uint_le(a.bytes, TALK_QUEUE);
	while (talk_waits(&a) || got < n) {
		while (talk_recv(&b, buf, &u) == 1)
			ck_assert(u.number == got++);
		ck_assert_int_eq(talk_flush(&a), 0);
	}
	ck_assert_uint_eq(got, n);
	ck_assert_uint_eq(a.bytes, 0);
	talk_close(&a);
	talk_close(&b);
}
END_TEST

START_TEST(a_connect_that_waits_can_be_forgotten)
{
	struct talk_link a, b;
	struct talk t = { .kind = TALK_CALL, .client = 5 }, u;
	int sv[2];
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	talk_open(&a, sv[0]);
	talk_open(&b, sv[1]);
	t.field[0] = (struct span){ text, 60000 };
	while (!talk_waits(&a))
		ck_assert_int_eq(talk_send(&a, &t), 0);
	ck_assert(!talk_forget(&a, 5)); /* a call is none */
	t.kind = TALK_CONNECT;
	for (t.client = 6; t.client < 9; t.client++)
		ck_assert_int_eq(talk_send(&a, &t), 0);
	ck_assert(talk_forget(&a, 8));
	ck_assert(talk_forget(&a, 6));
	ck_assert(!talk_forget(&a, 6));
	t.client =
	    9; /* the last was forgotten: the queue ends in the right place */
	ck_assert_int_eq(talk_send(&a, &t), 0);
	unsigned connects = 0;
	do {
		while (talk_recv(&b, buf, &u) == 1)
			if (u.kind == TALK_CONNECT)
				ck_assert(
				    u.client == (connects++ == 0 ? 7 : 9));
		ck_assert_int_eq(talk_flush(&a), 0);
	} while (talk_waits(&a));
	while (talk_recv(&b, buf, &u) == 1)
		connects += u.kind == TALK_CONNECT;
	ck_assert_uint_eq(connects, 2);
	talk_close(&a);
	talk_close(&b);
}
END_TEST

START_TEST(what_may_be_lost_leaves_room_for_what_may_not)
{
	struct talk_link a;
	int sv[2], r;
	unsigned n = 0;
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	talk_open(&a, sv[0]);
	memset(text, 'x', TALK_TEXT_MAX);
	struct talk t = { .kind = TALK_BROADCAST };
	t.field[0] = (struct span){ text, 50000 };
	while ((r = talk_offer(&a, &t)) == 0)
		ck_assert_uint_lt(++n, 1000);
	ck_assert_int_eq(r, -ENOBUFS);
	ck_assert_uint_le(a.bytes, TALK_QUEUE / 2 + TALK_MAX);
	t.kind = TALK_ACCEPT;
	for (unsigned i = 0; i < 30; i++)
		ck_assert_int_eq(talk_send(&a, &t), 0);
	talk_close(&a);
	close(sv[1]);
}
END_TEST

START_TEST(nothing_is_no_message)
{
	struct talk t;
	ck_assert_int_eq(talk_unpack(NULL, 0, &t), -EPROTO);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("talk");
	TCase *t = tcase_create("talk");
	suite_add_tcase(s, t);
	tcase_add_test(t, what_is_packed_is_read_back_and_no_part_of_it);
	tcase_add_test(t, lengths_kinds_and_flags_are_checked);
	tcase_add_test(t, the_longest_is_sent_and_one_byte_more_is_not);
	tcase_add_test(t, what_waits_keeps_its_order_and_is_bounded);
	tcase_add_test(t, a_connect_that_waits_can_be_forgotten);
	tcase_add_test(t, what_may_be_lost_leaves_room_for_what_may_not);
	tcase_add_test(t, nothing_is_no_message);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
