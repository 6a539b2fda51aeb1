/*
 * check_ipc - common/ipc.h: what is not sound is not received, for the messages
 * that are about orders to push, and those with words for clients.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ipc.h"

static int fd[2];

static void
begin(void)
{
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd), 0);
}

static void
end(void)
{
	close(fd[0]);
	close(fd[1]);
}

/* Send m, and what is received for it. */
static int
passes(const struct ipc_msg *m, struct ipc_msg *got)
{
	ck_assert_int_eq(ipc_send(fd[0], m, NULL, 0), 0);
	return ipc_recv(fd[1], got, NULL, NULL);
}

static struct ipc_msg
push(void)
{
	struct ipc_msg m = { .kind = IPC_PUSH };
	struct ipc_push *p = &m.u.push;
	p->id = 7;
	p->keylen = IPC_KEY_MAX;
	p->urllen = IPC_URL_MAX;
	p->namelen = IPC_NAME_MAX;
	p->argslen = IPC_ARGS_MAX;
	p->mode = PUSH_APPEND;
	p->lag_ms = 2000;
	memset(p->key, 'k', sizeof p->key);
	memset(p->url, 'u', sizeof p->url);
	memset(p->name, 'n', sizeof p->name);
	memset(p->args, 'a', sizeof p->args);
	return m;
}

START_TEST(a_push_comes_as_it_was_sent)
{
	struct ipc_msg m = push(), got;
	ck_assert_int_eq(passes(&m, &got), 1);
	ck_assert_int_eq(memcmp(&got.u.push, &m.u.push, sizeof m.u.push), 0);
	m.kind = IPC_UNPUSH;
	ck_assert_int_eq(passes(&m, &got), 1);
	ck_assert_uint_eq(got.u.push.id, 7);
}
END_TEST

START_TEST(a_push_with_a_length_beyond_its_array_is_malformed)
{
	static const size_t length[] = { offsetof(struct ipc_push, keylen),
		offsetof(struct ipc_push, urllen),
		offsetof(struct ipc_push, namelen),
		offsetof(struct ipc_push, argslen),
		offsetof(struct ipc_push, vialen) };
	static const uint32_t max[] = { IPC_KEY_MAX, IPC_URL_MAX, IPC_NAME_MAX,
		IPC_ARGS_MAX, IPC_VIA_MAX };
	struct ipc_msg got;
	for (unsigned i = 0; i < sizeof length / sizeof *length; i++) {
		struct ipc_msg m = push();
		uint32_t n = max[i] + 1;
		memcpy((char *)&m.u.push + length[i], &n, sizeof n);
		ck_assert_int_eq(passes(&m, &got), -EPROTO);
		n = UINT32_MAX;
		memcpy((char *)&m.u.push + length[i], &n, sizeof n);
		ck_assert_int_eq(passes(&m, &got), -EPROTO);
	}
}
END_TEST

START_TEST(a_push_with_an_unknown_mode_is_malformed)
{
	struct ipc_msg m = push(), got;
	m.u.push.mode = PUSH_MODES;
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	m.kind = IPC_UNPUSH;
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
}
END_TEST

START_TEST(a_pushed_with_a_text_that_does_not_end_is_malformed)
{
	struct ipc_msg m = { .kind = IPC_PUSHED }, got;
	struct ipc_pushed *p = &m.u.pushed;
	p->state = PUSHED_OVER;
	ck_assert_int_eq(passes(&m, &got), 1);
	memset(p->addr, 'a', sizeof p->addr);
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	p->addr[sizeof p->addr - 1] = '\0';
	ck_assert_int_eq(passes(&m, &got), 1);
	memset(p->code, 'a', sizeof p->code);
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	p->code[0] = '\0';
	memset(p->error, 'a', sizeof p->error);
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	p->error[0] = '\0';
	p->state = PUSHED_OVER + 1;
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
}
END_TEST

START_TEST(a_call_and_its_answer_are_checked)
{
	struct ipc_msg m = { .kind = IPC_CALL }, got;
	struct ipc_call *c = &m.u.call;
	c->call = IPC_CALLS - 1;
	c->argslen = IPC_CALL_MAX;
	ck_assert_int_eq(passes(&m, &got), 1);
	c->argslen++;
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	c->argslen = 0;
	c->call++;
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	c->call = 0;
	memset(c->method, 'm', sizeof c->method);
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	m = (struct ipc_msg){ .kind = IPC_CALLED };
	m.u.called.valuelen = IPC_CALL_MAX;
	ck_assert_int_eq(passes(&m, &got), 1);
	m.u.called.valuelen++;
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	m.u.called.valuelen = 0;
	m.u.called.call = IPC_CALLS;
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
}
END_TEST

START_TEST(a_message_of_another_length_is_malformed)
{
	struct ipc_msg m = push(), got;
	size_t whole = offsetof(struct ipc_msg, u) + sizeof(struct ipc_push);
	for (size_t n = 0; n <= whole + 8 && n <= sizeof m; n++) {
		m.size = (uint32_t)n;
		if (n == 0)
			continue; /* end of file */
		ck_assert_int_eq(send(fd[0], &m, n, 0), (ssize_t)n);
		ck_assert_int_eq(ipc_recv(fd[1], &got, NULL, NULL),
		    n == whole ? 1 : -EPROTO);
	}
}
END_TEST

START_TEST(words_for_a_client_must_end)
{
	struct ipc_msg m = { .kind = IPC_END }, got;
	m.u.end.gen = 3;
	memset(m.u.end.text, 'a', sizeof m.u.end.text);
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	m.u.end.text[IPC_TEXT_MAX - 1] = '\0';
	ck_assert_int_eq(passes(&m, &got), 1);
	ck_assert_int_eq(memcmp(&got.u.end, &m.u.end, sizeof m.u.end), 0);
	m = (struct ipc_msg){ .kind = IPC_REFUSE, .request = 5 };
	memset(m.u.refuse.text, 'a', sizeof m.u.refuse.text);
	ck_assert_int_eq(passes(&m, &got), -EPROTO);
	m.u.refuse.text[IPC_TEXT_MAX - 1] = '\0';
	ck_assert_int_eq(passes(&m, &got), 1);
	ck_assert_str_eq(got.u.refuse.text, m.u.refuse.text);
}
END_TEST

START_TEST(the_keys_of_a_push_are_wiped)
{
	struct ipc_msg m = push();
	ipc_wipe(&m);
	for (unsigned i = 0; i < IPC_NAME_MAX; i++)
		ck_assert_int_eq(
		    m.u.push.name[i] | m.u.push.url[i] | m.u.push.args[i], 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ipc");
	TCase *t = tcase_create("push");
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_push_comes_as_it_was_sent);
	tcase_add_test(t, a_push_with_a_length_beyond_its_array_is_malformed);
	tcase_add_test(t, a_push_with_an_unknown_mode_is_malformed);
	tcase_add_test(t, a_pushed_with_a_text_that_does_not_end_is_malformed);
	tcase_add_test(t, a_call_and_its_answer_are_checked);
	tcase_add_test(t, a_message_of_another_length_is_malformed);
	tcase_add_test(t, words_for_a_client_must_end);
	tcase_add_test(t, the_keys_of_a_push_are_wiped);
	suite_add_tcase(suite, t);
	SRunner *r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
