/* check_handshake - one case per promise of rtmp/handshake.h. */
#include "config.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "rtmp/handshake.h"

enum { C0C1C2 = 1 + 2 * HS_PACKET };

/* A player that signs, written from the layouts, not from the server. */
static const uint8_t secret[32] = { 0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe,
	0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57, 0x6e, 0xec, 0x5d,
	0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31,
	0xae };

static size_t
offset_of(const uint8_t *packet, size_t from, size_t base)
{
	return (size_t)(packet[from] + packet[from + 1] + packet[from + 2] +
			packet[from + 3]) %
		   728 +
	       base;
}

static size_t
layout(const uint8_t *packet, enum hs_kind kind)
{
	return kind == HS_DIGEST_A ? offset_of(packet, 8, 12)
				   : offset_of(packet, 772, 776);
}

static void
digest(const void *key, size_t key_len, const uint8_t *packet, size_t at,
    uint8_t out[32])
{
	uint8_t msg[HS_PACKET - 32];
	unsigned n;
	memcpy(msg, packet, at);
	memcpy(msg + at, packet + at + 32, sizeof(msg) - at);
	HMAC(EVP_sha256(), key, (int)key_len, msg, sizeof(msg), out, &n);
}

/* C0 C1 C2 and three bytes of chunks behind; salt moves the digest. */
static void
make_client(uint8_t in[C0C1C2 + 3], enum hs_kind kind, unsigned salt)
{
	uint8_t *c1 = in + 1;
	for (size_t i = 0; i < C0C1C2 + 3; i++)
		in[i] = (uint8_t)(i * 31 + salt * 7 + i / 256);
	in[0] = 3;
	if (kind == HS_PLAIN) {
		memset(c1 + 4, 0, 4);
		return;
	}
	memcpy(c1 + 4, "\x09\x00\x7c\x02", 4);
	for (size_t i = 0; i < 4; i++)
		c1[8 + i] = c1[772 + i] = (uint8_t)(salt * 83 + i * salt);
	size_t at = layout(c1, kind);
	uint8_t sum[32];
	digest("Genuine Adobe Flash Player 001", 30, c1, at, sum);
	memcpy(c1 + at, sum, 32);
}

/* S0 S1 S2 are right for this client. */
static void
check_answer(const uint8_t *out, const uint8_t *in, enum hs_kind kind)
{
	static const char name[] = "Genuine Adobe Flash Media Server 001";
	const uint8_t *s1 = out + 1, *s2 = s1 + HS_PACKET, *c1 = in + 1;
	uint8_t full[36 + 32], sum[32], key[32];
	unsigned n;
	ck_assert_uint_eq(out[0], 3);
	if (kind == HS_PLAIN) {
		ck_assert_mem_eq(s1 + 4, "\0\0\0\0", 4);
		ck_assert_mem_eq(s2, c1, HS_PACKET);
		return;
	}
	ck_assert_uint_ge(s1[4], 3); /* FFmpeg verifies from 3 on */
	size_t at = layout(s1, kind);
	digest(name, 36, s1, at, sum);
	ck_assert_mem_eq(s1 + at, sum, 32);
	memcpy(full, name, 36);
	memcpy(full + 36, secret, 32);
	HMAC(EVP_sha256(), full, 68, c1 + layout(c1, kind), 32, key, &n);
	HMAC(EVP_sha256(), key, 32, s2, HS_PACKET - 32, sum, &n);
	ck_assert_mem_eq(s2 + HS_PACKET - 32, sum, 32);
}

/* Feed in pieces that end at a and b; the same answer as in one piece. */
static void
check_cuts(const uint8_t *in, enum hs_kind kind, size_t a, size_t b,
    const uint8_t *expect)
{
	struct hs_server h;
	uint8_t out[HS_SERVER_OUT];
	const size_t ends[] = { a, b, C0C1C2 + 3 };
	enum hs_result e = HS_NEED_MORE;
	size_t at = 0, sent = 0;
	hs_server_init(&h, 4711);
	for (size_t i = 0; i < 3; i++) {
		size_t n = ends[i] - at, len;
		uint8_t *copy = malloc(n > 0 ? n : 1);
		memcpy(copy, in + at, n);
		const uint8_t *p = copy;
		if (e == HS_NEED_MORE) {
			e = hs_server_feed(&h, &p, copy + n, out, &len);
			sent += len;
		}
		at += (size_t)(p - copy);
		free(copy);
		if (e == HS_DONE)
			break;
		ck_assert_int_eq(e, HS_NEED_MORE);
		ck_assert_uint_eq(at, ends[i]);
	}
	ck_assert_int_eq(e, HS_DONE);
	ck_assert_uint_eq(at, C0C1C2);
	ck_assert_uint_eq(sent, HS_SERVER_OUT);
	ck_assert_int_eq(h.kind, kind);
	if (expect != NULL)
		ck_assert_mem_eq(out, expect, HS_SERVER_OUT);
	else
		check_answer(out, in, kind);
}

/* One piece, byte by byte, and cut in two at every step-th offset. */
static void
check_kind(enum hs_kind kind, size_t step)
{
	uint8_t in[C0C1C2 + 3], out[HS_SERVER_OUT];
	struct hs_server h;
	size_t len, sent = 0;
	make_client(in, kind, 5);
	check_cuts(in, kind, 0, 0, NULL);

	hs_server_init(&h, 4711);
	enum hs_result e = HS_NEED_MORE;
	for (size_t i = 0; i < C0C1C2; i++) {
		const uint8_t *p = in + i;
		ck_assert_int_eq(e, HS_NEED_MORE);
		e = hs_server_feed(&h, &p, in + i + 1, out, &len);
		if (len > 0)
			ck_assert_uint_eq(i, HS_PACKET);
		sent += len;
	}
	ck_assert_int_eq(e, HS_DONE);
	ck_assert_uint_eq(sent, HS_SERVER_OUT);
	check_answer(out, in, kind);
	for (size_t i = 0; i <= C0C1C2; i += step)
		check_cuts(in, kind, i, i, out);
	check_cuts(in, kind, 1, HS_PACKET, out);
	check_cuts(in, kind, HS_PACKET + 1, C0C1C2, out);
}

START_TEST(zero_version_is_answered_plainly)
{
	check_kind(HS_PLAIN, 1);
}
END_TEST

START_TEST(digest_layout_a_is_answered_signed)
{
	check_kind(HS_DIGEST_A, 1);
}
END_TEST

START_TEST(digest_layout_b_is_answered_signed)
{
	check_kind(HS_DIGEST_B, 1);
}
END_TEST

START_TEST(every_digest_offset_is_found)
{
	for (unsigned salt = 0; salt < 500; salt++)
		for (int kind = HS_DIGEST_A; kind <= HS_DIGEST_B; kind++) {
			uint8_t in[C0C1C2 + 3];
			make_client(in, (enum hs_kind)kind, salt);
			check_cuts(in, (enum hs_kind)kind, 0, 0, NULL);
		}
}
END_TEST

START_TEST(a_version_without_a_digest_is_answered_plainly)
{
	uint8_t in[C0C1C2 + 3];
	make_client(in, HS_DIGEST_A, 3);
	in[1 + 900] ^= 1;
	check_cuts(in, HS_PLAIN, 0, 0, NULL);
	/* A digest under a zero version: librtmp's own rule, plain too. */
	make_client(in, HS_DIGEST_B, 3);
	memset(in + 5, 0, 4);
	check_cuts(in, HS_PLAIN, 0, 0, NULL);
}
END_TEST

START_TEST(offsets_of_all_255_stay_inside_the_packet)
{
	uint8_t in[C0C1C2 + 3];
	for (unsigned fill = 0; fill < 256; fill++) {
		memset(in, (int)fill, sizeof(in));
		in[0] = 3;
		in[5] = 9;
		check_cuts(in, HS_PLAIN, 0, 0, NULL);
	}
}
END_TEST

START_TEST(other_protocols_are_told_apart_at_the_first_byte)
{
	for (unsigned first = 0; first < 256; first++) {
		struct hs_server h;
		uint8_t out[HS_SERVER_OUT], b[2] = { (uint8_t)first, 3 };
		const uint8_t *p = b;
		size_t len;
		hs_server_init(&h, 1);
		ck_assert_int_eq(
		    hs_server_feed(&h, &p, b, out, &len), HS_NEED_MORE);
		enum hs_result e = hs_server_feed(&h, &p, b + 2, out, &len);
		enum hs_result want = first == 3      ? HS_NEED_MORE
				      : first == 0x16 ? HS_IS_TLS
				      : first >= 'A' && first <= 'Z'
					  ? HS_IS_HTTP
					  : HS_BAD_VERSION;
		ck_assert_int_eq(e, want);
		ck_assert_uint_eq(len, 0);
		/* It stays so, whatever comes. */
		p = b + 1;
		e = hs_server_feed(&h, &p, b + 2, out, &len);
		ck_assert_int_eq(e, want);
	}
}
END_TEST

START_TEST(client_and_server_understand_each_other)
{
	struct hs_server s;
	struct hs_client c;
	uint8_t c0c1[HS_CLIENT_OUT], c2[HS_PACKET], out[HS_SERVER_OUT + 1];
	size_t len;
	for (size_t cut = 0; cut <= HS_SERVER_OUT; cut += 7) {
		hs_server_init(&s, 11);
		hs_client_init(&c, 12, c0c1);
		const uint8_t *p = c0c1;
		ck_assert_int_eq(
		    hs_server_feed(&s, &p, c0c1 + sizeof(c0c1), out, &len),
		    HS_NEED_MORE);
		ck_assert_uint_eq(len, HS_SERVER_OUT);
		ck_assert_int_eq(s.kind, HS_PLAIN);
		out[HS_SERVER_OUT] = 0x42;
		p = out;
		size_t got = 0;
		enum hs_result e = hs_client_feed(&c, &p, out + cut, c2, &len);
		got += len;
		if (cut < HS_SERVER_OUT) {
			ck_assert_int_eq(e, HS_NEED_MORE);
			e = hs_client_feed(&c, &p, out + sizeof(out), c2, &len);
			got += len;
		}
		ck_assert_int_eq(e, HS_DONE);
		ck_assert_uint_eq(got, HS_PACKET);
		ck_assert_ptr_eq(p, out + HS_SERVER_OUT);
		ck_assert_mem_eq(c2, out + 1, HS_PACKET);
		p = c2;
		ck_assert_int_eq(
		    hs_server_feed(&s, &p, c2 + sizeof(c2), out, &len),
		    HS_DONE);
		ck_assert_uint_eq(len, 0);
	}
}
END_TEST

START_TEST(a_client_refuses_another_version)
{
	struct hs_client c;
	uint8_t c0c1[HS_CLIENT_OUT], c2[HS_PACKET];
	const uint8_t b[1] = { 6 }, *p = b;
	size_t len;
	hs_client_init(&c, 12, c0c1);
	ck_assert_int_eq(
	    hs_client_feed(&c, &p, b + 1, c2, &len), HS_BAD_VERSION);
}
END_TEST

START_TEST(every_kind_has_a_name)
{
	ck_assert_str_eq(hs_kind_name(HS_PLAIN), "plain");
	ck_assert_str_eq(hs_kind_name(HS_DIGEST_A), "digest-a");
	ck_assert_str_eq(hs_kind_name(HS_DIGEST_B), "digest-b");
	ck_assert_str_eq(hs_kind_name((enum hs_kind)9), "invalid");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("handshake");
	TCase *t = tcase_create("handshake");
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	tcase_add_test(t, zero_version_is_answered_plainly);
	tcase_add_test(t, digest_layout_a_is_answered_signed);
	tcase_add_test(t, digest_layout_b_is_answered_signed);
	tcase_add_test(t, every_digest_offset_is_found);
	tcase_add_test(t, a_version_without_a_digest_is_answered_plainly);
	tcase_add_test(t, offsets_of_all_255_stay_inside_the_packet);
	tcase_add_test(t, other_protocols_are_told_apart_at_the_first_byte);
	tcase_add_test(t, client_and_server_understand_each_other);
	tcase_add_test(t, a_client_refuses_another_version);
	tcase_add_test(t, every_kind_has_a_name);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
