/*
 * check_auth - who may publish and play: lists of addresses, key files, tokens,
 * and the decision of master/auth.c as a table.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/cidr.h"
#include "master/auth.h"
#include "shm/directory.h"

#define SECRET	  "0123456789abcdef0123456789abcdef"
#define KNOWN_ANY "1.1800000000..uCntLffqHP8ph7rFo-om78HWMS_HT8Od9ktuUxZlBE8"
#define KNOWN_NET                                                              \
	"1.1800000000.MTkyLjAuMi4wLzI0.1-"                                     \
	"Z1KRRF5u0DxKL5gyhLrFjFJy0zGplyKd71hsChZls"

static const char file[] = "# two that fit at once, and one for signing\n"
			   "\n"
			   "* key everywhere-1\n"
			   "  live/x\tkey only-x-secret\r\n"
			   "live/room/* key rooms-secret\n"
			   "live/* sign " SECRET "\n"
			   "live/* sign old-" SECRET "\n"
			   "other/* sign other-" SECRET;

static struct keys keys;

static struct addr
addr(const char *text)
{
	struct addr a;
	ck_assert_int_eq(addr_parse(text, strlen(text), &a), 0);
	return a;
}

static void
setup(void)
{
	char err[160];
	ck_assert_int_eq(
	    keys_parse(file, strlen(file), &keys, err, sizeof err), 0);
	ck_assert_uint_eq(keys.n, 6);
}

static void
teardown(void)
{
	keys_free(&keys);
}

/* "app/inst/name" to a directory key. */
static size_t
key_of(const char *name, char key[DIR_KEY_MAX])
{
	const char *inst = strchr(name, '/') + 1, *last = strchr(inst, '/') + 1;
	return directory_make_key(key, "_defaultVHost_", 14, name,
	    (size_t)(inst - name) - 1, inst, (size_t)(last - inst) - 1, last,
	    strlen(last));
}

/* Lists of addresses. ---------------------------------------------------- */

START_TEST(lists_name_addresses)
{
	static const struct {
		const char *list, *addr;
		bool local, has;
	} t[] = {
		{ "", "192.0.2.7", true, false },
		{ " ", "192.0.2.7", true, false },
		{ "all", "192.0.2.7", false, true },
		{ "local", "192.0.2.7", false, false },
		{ "local", "192.0.2.7", true, true },
		{ "192.0.2.7", "192.0.2.7", false, true },
		{ "192.0.2.7", "192.0.2.8", false, false },
		{ "192.0.2.7", "::ffff:192.0.2.7", false, true },
		{ " 10.0.0.0/8 ,\n2001:db8::/32 ", "10.255.1.1", false, true },
		{ " 10.0.0.0/8 ,\n2001:db8::/32 ", "2001:db8::9", false, true },
		{ " 10.0.0.0/8 ,\n2001:db8::/32 ", "11.0.0.1", false, false },
		{ "10.0.0.0/8,local", "192.0.2.1", true, true },
		{ "0.0.0.0/0", "2001:db8::9", false, false },
		{ "0.0.0.0/0", "192.0.2.7", false, true },
	};
	char err[200];
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		struct addr a = addr(t[i].addr);
		ck_assert_int_eq(
		    cidr_list_check(t[i].list, err, sizeof err), 0);
		ck_assert_msg(
		    cidr_list_has(t[i].list, &a, t[i].local) == t[i].has,
		    "%s in \"%s\"", t[i].addr, t[i].list);
	}
	ck_assert(cidr_list_has_all("10.0.0.1, all"));
	ck_assert(!cidr_list_has_all("local"));
	ck_assert(cidr_list_has("all", NULL, false));
	ck_assert(!cidr_list_has("0.0.0.0/0, ::/0", NULL, false));
}
END_TEST

START_TEST(wrong_lists_are_refused)
{
	static const char *const bad[] = { ",", "all,", "ALL", "192.0.2.7/24",
		"192.0.2.0/33", "host.example", "192.0.2.7:1935", "all all",
		"10.0.0.0/8;all" };
	char err[200];
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		err[0] = '\0';
		ck_assert_msg(cidr_list_check(bad[i], err, sizeof err) != 0,
		    "%s was taken", bad[i]);
		ck_assert_ptr_nonnull(strstr(err, "between commas"));
	}
}
END_TEST

/* Key files. ------------------------------------------------------------- */

START_TEST(patterns_fit_streams)
{
	static const struct {
		const char *pattern, *stream;
		bool fits;
	} t[] = {
		{ "*", "live/_definst_/x", true },
		{ "live/*", "live/_definst_/x", true },
		{ "live/*", "live/room/x", true },
		{ "live/*", "live2/_definst_/x", false },
		{ "live/x", "live/_definst_/x", true },
		{ "live/x", "live/_definst_/xx", false },
		{ "live/x", "live/room/x", false },
		{ "live/_definst_/x", "live/_definst_/x", true },
		{ "live/room/x", "live/room/x", true },
		{ "live/room/x", "live/_definst_/room/x", true },
		{ "live/room/*", "live/room/x", true },
		{ "live/room/*", "live/room2/x", false },
		{ "live/room/*", "live/_definst_/x", false },
		{ "live/_definst_/*", "live/_definst_/x", true },
		{ "live/_definst_/*", "live/room/x", false },
	};
	char key[DIR_KEY_MAX];
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		struct key k = { .line = 1 };
		strcpy(k.pattern, t[i].pattern);
		size_t n = key_of(t[i].stream, key);
		ck_assert_msg(key_fits(&k, key, n) == t[i].fits, "%s and %s",
		    t[i].pattern, t[i].stream);
	}
}
END_TEST

START_TEST(wrong_lines_are_named)
{
	static const struct {
		const char *text;
		int line;
		const char *want;
	} t[] = {
		{ "* key short", 1, "8 to 128" },
		{ "#\n* key " SECRET "\n* kee " SECRET, 3, "key or sign" },
		{ "*\n", 1, "PATTERN key SECRET" },
		{ "* key\n", 1, "PATTERN key SECRET" },
		{ "* key " SECRET " more\n", 1, "PATTERN key SECRET" },
		{ "live key " SECRET, 1, "pattern" },
		{ "/x key " SECRET, 1, "pattern" },
		{ "live/ key " SECRET, 1, "pattern" },
		{ "li*ve/x key " SECRET, 1, "pattern" },
		{ "live/x* key " SECRET, 1, "pattern" },
		{ "** key " SECRET, 1, "pattern" },
		{ "* key with&ampersand", 1, "8 to 128" },
		{ "* key with%20percent", 1, "8 to 128" },
	};
	char err[200];
	struct keys k;
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		int r = keys_parse(
		    t[i].text, strlen(t[i].text), &k, err, sizeof err);
		ck_assert_msg(r == t[i].line, "%s: %d", t[i].text, r);
		ck_assert_msg(
		    strstr(err, t[i].want) != NULL, "%s: %s", t[i].text, err);
		ck_assert_ptr_null(strstr(err, "short\""));
		ck_assert_ptr_null(strstr(err, SECRET));
		ck_assert_ptr_null(k.key);
	}
	ck_assert_int_eq(keys_parse("* key a\0bcdefghi", 16, &k, err, 200), 1);
}
END_TEST

/* Cut at every byte, and with every byte changed: no crash, no leak. */
START_TEST(key_files_of_all_kinds)
{
	char buf[sizeof file], err[200];
	struct keys k;
	for (size_t n = 0; n < sizeof file; n++) {
		char *exact = malloc(n + 1);
		bug_on(exact == NULL);
		memcpy(exact, file, n);
		(void)keys_parse(exact, n, &k, err, sizeof err);
		keys_free(&k);
		free(exact);
		memcpy(buf, file, sizeof file);
		for (int c = 0; c < 256; c += 5) {
			buf[n] = (char)c;
			(void)keys_parse(buf, sizeof buf, &k, err, sizeof err);
			keys_free(&k);
		}
	}
}
END_TEST

START_TEST(a_new_file_has_a_key_and_is_never_replaced)
{
	char dir[] = "/tmp/sluice-keys.XXXXXX", path[64], err[200];
	struct keys a, b;
	struct stat st;
	bug_on(mkdtemp(dir) == NULL);
	snprintf(path, sizeof path, "%s/k", dir);
	ck_assert_int_eq(keys_read(path, &a, &st, err, sizeof err), -ENOENT);
	ck_assert_int_eq(keys_create(path), 0);
	ck_assert_int_eq(keys_create(path), -EEXIST);
	ck_assert_int_eq(keys_read(path, &a, &st, err, sizeof err), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(a.n, 2);
	ck_assert_int_eq(a.key[0].kind, KEY_PLAIN);
	ck_assert_uint_eq(strlen(a.key[0].secret), 32);
	ck_assert_int_eq(a.key[1].kind, KEY_SIGN);
	unlink(path);
	ck_assert_int_eq(keys_create(path), 0);
	ck_assert_int_eq(keys_read(path, &b, &st, err, sizeof err), 0);
	ck_assert_str_ne(a.key[0].secret, b.key[0].secret);
	keys_free(&a);
	keys_free(&b);
	unlink(path);
	ck_assert_int_eq(keys_read(dir, &a, &st, err, sizeof err), -EISDIR);
	ck_assert_int_eq(rmdir(dir), 0); /* no temporary file is left */
	ck_assert_int_eq(keys_create(path), -ENOENT);
}
END_TEST

/* Tokens. ---------------------------------------------------------------- */

static struct token_scope
scope(enum token_use use, const char *name, char key[DIR_KEY_MAX])
{
	size_t n = key_of(name, key);
	return (struct token_scope){ use, key, n };
}

START_TEST(a_token_is_what_the_manual_says)
{
	char key[DIR_KEY_MAX], text[TOKEN_TEXT];
	struct token_scope s = scope(TOKEN_PUBLISH, "live/_definst_/x", key);
	/* made with openssl(1) as in sluice.keys(5) */
	ck_assert_int_eq(token_make(SECRET, &s, 1800000000, "", text), 0);
	ck_assert_str_eq(text, KNOWN_ANY);
	ck_assert_int_eq(
	    token_make(SECRET, &s, 1800000000, "192.0.2.0/24", text), 0);
	ck_assert_str_eq(text, KNOWN_NET);
}
END_TEST

START_TEST(a_token_holds_for_what_it_was_made)
{
	static const char *const others[] = { "live/_definst_/y", "live/room/x",
		"live2/_definst_/x" };
	char key[DIR_KEY_MAX], text[TOKEN_TEXT];
	struct token t;
	struct token_scope s = scope(TOKEN_PUBLISH, "live/_definst_/x", key);
	ck_assert_int_eq(token_make(SECRET, &s, 42, "2001:db8::/32", text), 0);
	ck_assert_int_eq(token_parse(text, strlen(text), &t), 0);
	ck_assert_uint_eq(t.expires, 42);
	ck_assert(t.bound);
	ck_assert_str_eq(t.net_text, "2001:db8::/32");
	ck_assert(token_signed_by(&t, SECRET, &s));
	ck_assert(!token_signed_by(&t, SECRET "x", &s));
	struct token u = t;
	u.expires++;
	ck_assert(!token_signed_by(&u, SECRET, &s));
	u = t;
	u.net_text[0] = '\0';
	ck_assert(!token_signed_by(&u, SECRET, &s));
	s.use = TOKEN_PLAY;
	ck_assert(!token_signed_by(&t, SECRET, &s));
	for (unsigned i = 0; i < 3; i++) {
		s = scope(TOKEN_PUBLISH, others[i], key);
		ck_assert(!token_signed_by(&t, SECRET, &s));
	}
}
END_TEST

START_TEST(what_cannot_be_signed)
{
	char key[DIR_KEY_MAX], text[TOKEN_TEXT];
	struct token_scope s = scope(TOKEN_PLAY, "live/_definst_/x\ny", key);
	ck_assert_int_eq(token_make(SECRET, &s, 42, "", text), -EINVAL);
	s = scope(TOKEN_PLAY, "live/_definst_/x", key);
	ck_assert_int_eq(token_make(SECRET, &s, 42, "a.b", text), -EINVAL);
	ck_assert_int_eq(
	    token_make(SECRET, &s, 42, "10.0.0.1/8", text), -EINVAL);
	s.keylen = 3;
	ck_assert_int_eq(token_make(SECRET, &s, 42, "", text), -EINVAL);
}
END_TEST

/* Cut at every byte, every byte changed: never good. */
START_TEST(broken_tokens)
{
	char key[DIR_KEY_MAX], text[TOKEN_TEXT];
	struct token t;
	struct token_scope s = scope(TOKEN_PUBLISH, "live/_definst_/x", key);
	ck_assert_int_eq(token_make(SECRET, &s, 42, "192.0.2.7", text), 0);
	size_t len = strlen(text);
	for (size_t n = 0; n < len; n++) {
		char *exact = malloc(n + 1);
		bug_on(exact == NULL);
		memcpy(exact, text, n);
		ck_assert_int_ne(token_parse(exact, n, &t), 0);
		free(exact);
		for (int c = 0; c < 256; c++) {
			char was = text[n];
			text[n] = (char)c;
			bool good = token_parse(text, len, &t) == 0 &&
				    token_signed_by(&t, SECRET, &s);
			ck_assert_msg(good == (was == (char)c),
			    "byte %zu made 0x%x", n, (unsigned)c);
			text[n] = was;
		}
	}
	ck_assert_int_ne(token_parse("1.1.1.1.1", 9, &t), 0);
	ck_assert_int_ne(token_parse("", 0, &t), 0);
}
END_TEST

/* The decision. ---------------------------------------------------------- */

struct row {
	const char *allow, *deny, *stream, *query, *addr;
	enum { ANY, LOCAL } where;
	enum reason why;
	enum auth_by by;
	int line;
};

#define PUB "live/_definst_/x"

static struct auth_answer
decide(const struct row *r, const struct keys *k, bool by_key)
{
	char key[DIR_KEY_MAX];
	struct addr a = { { 0 } };
	struct auth_rules rules = { r->allow, r->deny, by_key, k };
	struct auth_ask ask = { .query = r->query,
		.querylen = strlen(r->query),
		.local = r->where == LOCAL,
		.now = 1000 };
	if (r->addr != NULL) {
		a = addr(r->addr);
		ask.addr = &a;
	}
	ask.what = scope(TOKEN_PUBLISH, r->stream, key);
	return auth_decide(&rules, &ask);
}

START_TEST(decisions)
{
	static const struct row t[] = {
		/* where from */
		{ "local", "", PUB, "", "127.0.0.1", LOCAL, REASON_NONE,
		    AUTH_BY_ALLOW, 0 },
		{ "local", "", PUB, "", "192.0.2.7", ANY, REASON_KEY_MISSING,
		    AUTH_BY_NOTHING, 0 },
		{ "local", "", PUB, "", NULL, ANY, REASON_KEY_MISSING,
		    AUTH_BY_NOTHING, 0 },
		{ "all", "", PUB, "", NULL, ANY, REASON_NONE, AUTH_BY_ALLOW,
		    0 },
		{ "192.0.2.0/24", "", PUB, "", "192.0.2.7", ANY, REASON_NONE,
		    AUTH_BY_ALLOW, 0 },
		{ "192.0.2.0/24", "192.0.2.7", PUB, "", "192.0.2.7", ANY,
		    REASON_DENIED, AUTH_BY_DENY, 0 },
		{ "", "local", PUB, "key=everywhere-1", "127.0.0.1", LOCAL,
		    REASON_DENIED, AUTH_BY_DENY, 0 },
		{ "", "", PUB, "", "127.0.0.1", LOCAL, REASON_KEY_MISSING,
		    AUTH_BY_NOTHING, 0 },
		{ "", "all", PUB, "key=everywhere-1", "192.0.2.7", ANY,
		    REASON_DENIED, AUTH_BY_DENY, 0 },
		/* keys */
		{ "", "", PUB, "key=everywhere-1", "192.0.2.7", ANY,
		    REASON_NONE, AUTH_BY_KEY, 3 },
		{ "", "", PUB, "key=only-x-secret", "192.0.2.7", ANY,
		    REASON_NONE, AUTH_BY_KEY, 4 },
		{ "", "", "live/_definst_/y", "key=only-x-secret", "192.0.2.7",
		    ANY, REASON_KEY_WRONG, AUTH_BY_KEY, 0 },
		{ "", "", "live/room/y", "key=rooms-secret", "192.0.2.7", ANY,
		    REASON_NONE, AUTH_BY_KEY, 5 },
		{ "", "", PUB, "a=b&key=everywhere-1&c", "192.0.2.7", ANY,
		    REASON_NONE, AUTH_BY_KEY, 3 },
		{ "", "", PUB, "key=wrong-wrong&key=everywhere-1", "192.0.2.7",
		    ANY, REASON_NONE, AUTH_BY_KEY, 3 },
		{ "", "", PUB, "key=everywhere-", "192.0.2.7", ANY,
		    REASON_KEY_WRONG, AUTH_BY_KEY, 0 },
		{ "", "", PUB, "key=everywhere-1x", "192.0.2.7", ANY,
		    REASON_KEY_WRONG, AUTH_BY_KEY, 0 },
		{ "", "", PUB, "key=", "192.0.2.7", ANY, REASON_KEY_WRONG,
		    AUTH_BY_KEY, 0 },
		{ "", "", PUB, "key", "192.0.2.7", ANY, REASON_KEY_MISSING,
		    AUTH_BY_NOTHING, 0 },
		{ "", "", PUB, "mykey=everywhere-1", "192.0.2.7", ANY,
		    REASON_KEY_MISSING, AUTH_BY_NOTHING, 0 },
		{ "", "", PUB, "&&&", "192.0.2.7", ANY, REASON_KEY_MISSING,
		    AUTH_BY_NOTHING, 0 },
		/* a secret for signing is no key */
		{ "", "", PUB, "key=" SECRET, "192.0.2.7", ANY,
		    REASON_KEY_WRONG, AUTH_BY_KEY, 0 },
		/* tokens: more below */
		{ "", "", PUB, "token=", "192.0.2.7", ANY, REASON_TOKEN_INVALID,
		    AUTH_BY_TOKEN, 0 },
		{ "", "", PUB, "token=everywhere-1", "192.0.2.7", ANY,
		    REASON_TOKEN_INVALID, AUTH_BY_TOKEN, 0 },
		{ "", "", PUB, "token=x&key=everywhere-1", "192.0.2.7", ANY,
		    REASON_NONE, AUTH_BY_KEY, 3 },
	};
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		struct auth_answer r = decide(&t[i], &keys, true);
		ck_assert_msg(
		    r.why == t[i].why && r.by == t[i].by && r.line == t[i].line,
		    "row %u: %s by %s, line %d", i, reason_name(r.why),
		    auth_by_name(r.by), r.line);
	}
}
END_TEST

START_TEST(without_keys)
{
	static const struct row r = { "", "", PUB, "key=everywhere-1",
		"192.0.2.7", ANY, REASON_NONE, AUTH_BY_KEY, 0 };
	ck_assert_int_eq(decide(&r, NULL, true).why, REASON_NO_KEYS);
	ck_assert_int_eq(decide(&r, NULL, false).why, REASON_DENIED);
	ck_assert_int_eq(decide(&r, &keys, false).why, REASON_DENIED);
}
END_TEST

START_TEST(decisions_by_token)
{
	static const struct {
		const char *secret, *stream;
		enum token_use use;
		uint64_t expires;
		const char *net;
		enum reason why;
		int line;
	} t[] = {
		{ SECRET, PUB, TOKEN_PUBLISH, 1001, "", REASON_NONE, 6 },
		{ "old-" SECRET, PUB, TOKEN_PUBLISH, 1001, "", REASON_NONE, 7 },
		{ SECRET, "live/_definst_/*", TOKEN_PUBLISH, 1001, "",
		    REASON_NONE, 6 },
		{ SECRET, PUB, TOKEN_PUBLISH, 1001, "192.0.2.7", REASON_NONE,
		    6 },
		{ SECRET, PUB, TOKEN_PUBLISH, 1001, "192.0.2.0/24", REASON_NONE,
		    6 },
		{ SECRET, PUB, TOKEN_PUBLISH, 1001, "192.0.2.8",
		    REASON_TOKEN_ADDRESS, 6 },
		{ SECRET, PUB, TOKEN_PUBLISH, 1000, "", REASON_TOKEN_EXPIRED,
		    6 },
		{ SECRET, PUB, TOKEN_PUBLISH, 1000, "192.0.2.8",
		    REASON_TOKEN_EXPIRED, 6 },
		{ SECRET, PUB, TOKEN_PLAY, 1001, "", REASON_TOKEN_INVALID, 0 },
		{ SECRET, "live/_definst_/y", TOKEN_PUBLISH, 1001, "",
		    REASON_TOKEN_INVALID, 0 },
		{ SECRET, "live/room/*", TOKEN_PUBLISH, 1001, "",
		    REASON_TOKEN_INVALID, 0 },
		/* a plain key signs nothing, nor does another app's secret */
		{ "everywhere-1", PUB, TOKEN_PUBLISH, 1001, "",
		    REASON_TOKEN_INVALID, 0 },
		{ "other-" SECRET, PUB, TOKEN_PUBLISH, 1001, "",
		    REASON_TOKEN_INVALID, 0 },
	};
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		char key[DIR_KEY_MAX], text[TOKEN_TEXT], query[256];
		struct token_scope s = scope(t[i].use, t[i].stream, key);
		ck_assert_int_eq(
		    token_make(t[i].secret, &s, t[i].expires, t[i].net, text),
		    0);
		snprintf(query, sizeof query, "a=1&token=%s&b=2", text);
		struct row r = { "", "", PUB, query, "192.0.2.7", ANY,
			REASON_NONE, AUTH_BY_TOKEN, 0 };
		struct auth_answer a = decide(&r, &keys, true);
		ck_assert_msg(a.why == t[i].why && a.line == t[i].line &&
				  a.by == AUTH_BY_TOKEN,
		    "row %u: %s, line %d", i, reason_name(a.why), a.line);
		if (a.line != 0)
			ck_assert_uint_eq(a.expires, t[i].expires);
	}
}
END_TEST

/* Queries cut at every byte, at the very end of their memory. */
START_TEST(queries_of_all_kinds)
{
	static const char query[] = "a&key=everywhere-1&token=1.2.3.4&&key=&=";
	char key[DIR_KEY_MAX];
	struct auth_rules rules = { "", "", true, &keys };
	struct addr a = addr("192.0.2.7");
	struct auth_ask ask = { .addr = &a, .now = 1 };
	ask.what = scope(TOKEN_PUBLISH, PUB, key);
	for (size_t from = 0; from < sizeof query; from++)
		for (size_t n = 0; from + n < sizeof query; n++) {
			char *exact = malloc(n + 1);
			bug_on(exact == NULL);
			memcpy(exact, query + from, n);
			ask.query = exact;
			ask.querylen = n;
			bool good =
			    auth_decide(&rules, &ask).why == REASON_NONE;
			ck_assert_int_eq(
			    good, from <= 2 && from + n >= 18 &&
				      (from + n == 18 || query[18] == '&'));
			free(exact);
		}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("auth");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lists_name_addresses);
	tcase_add_test(tc, wrong_lists_are_refused);
	tcase_add_test(tc, patterns_fit_streams);
	tcase_add_test(tc, wrong_lines_are_named);
	tcase_add_test(tc, key_files_of_all_kinds);
	tcase_add_test(tc, a_new_file_has_a_key_and_is_never_replaced);
	tcase_add_test(tc, a_token_is_what_the_manual_says);
	tcase_add_test(tc, a_token_holds_for_what_it_was_made);
	tcase_add_test(tc, what_cannot_be_signed);
	tcase_add_test(tc, broken_tokens);
	tcase_add_test(tc, decisions);
	tcase_add_test(tc, without_keys);
	tcase_add_test(tc, decisions_by_token);
	tcase_add_test(tc, queries_of_all_kinds);
	suite_add_tcase(s, tc);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
