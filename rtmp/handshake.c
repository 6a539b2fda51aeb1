#include "config.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "rtmp/handshake.h"

enum {
	VERSION = 3,
	TLS_RECORD = 0x16,
	DIGEST = 32,
	OFFSET_MOD = 728,
	CLIENT_KEY = 30, /* of the client key: signs C1 */
	SERVER_KEY = 36	 /* of the server key: signs S1; all of it keys S2 */
};

/*
 * Both keys are public: "Genuine Adobe Flash ... 001", then the same bytes.
 * arut/nginx-rtmp-module: ngx_rtmp_handshake.c; FFmpeg/FFmpeg:
 * libavformat/rtmpproto.c.
 */
static const char client_key[] = "Genuine Adobe Flash Player 001";
static const uint8_t server_key[] = { 'G', 'e', 'n', 'u', 'i', 'n', 'e', ' ',
	'A', 'd', 'o', 'b', 'e', ' ', 'F', 'l', 'a', 's', 'h', ' ', 'M', 'e',
	'd', 'i', 'a', ' ', 'S', 'e', 'r', 'v', 'e', 'r', ' ', '0', '0', '1',
	0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1,
	0x02, 0x9e, 0x7e, 0x57, 0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab,
	0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae };
_Static_assert(sizeof(client_key) - 1 == CLIENT_KEY, "key length");
_Static_assert(sizeof(server_key) == SERVER_KEY + 32, "key length");

/*
 * splitmix64 (Steele, Lea, Flood 2014).  Only to tell connections apart:
 * nothing secret comes out of an RTMP handshake.
 */
static void
fill(uint64_t *seed, uint8_t *to, size_t n)
{
	while (n > 0) {
		uint64_t z = *seed += 0x9e3779b97f4a7c15u;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		z ^= z >> 31;
		size_t piece = n < sizeof(z) ? n : sizeof(z);
		memcpy(to, &z, piece);
		to += piece;
		n -= piece;
	}
}

static bool
hmac(const void *key, int key_len, const uint8_t *msg, size_t len,
    uint8_t out[DIGEST])
{
	unsigned n = 0;
	return HMAC(EVP_sha256(), key, key_len, msg, len, out, &n) != NULL &&
	       n == DIGEST;
}

/* HMAC of a packet without the digest at `at`. */
static bool
sign(const void *key, int key_len, const uint8_t packet[HS_PACKET], size_t at,
    uint8_t out[DIGEST])
{
	uint8_t msg[HS_PACKET - DIGEST];
	memcpy(msg, packet, at);
	memcpy(msg + at, packet + at + DIGEST, HS_PACKET - DIGEST - at);
	return hmac(key, key_len, msg, sizeof(msg), out);
}

/* Where the digest stands; at most 776 + 727 + 32 = 1535 bytes are used. */
static size_t
digest_at(const uint8_t packet[HS_PACKET], enum hs_kind kind)
{
	const uint8_t *o = packet + (kind == HS_DIGEST_B ? 772 : 8);
	size_t sum = (size_t)o[0] + o[1] + o[2] + o[3];
	return sum % OFFSET_MOD + (kind == HS_DIGEST_B ? 776 : 12);
}

static bool
verifies(const uint8_t c1[HS_PACKET], enum hs_kind kind)
{
	uint8_t want[DIGEST];
	size_t at = digest_at(c1, kind);
	return sign(client_key, CLIENT_KEY, c1, at, want) &&
	       memcmp(want, c1 + at, DIGEST) == 0;
}

/* A zero version is the plain handshake, whatever the rest looks like. */
static enum hs_kind
kind_of(const uint8_t c1[HS_PACKET])
{
	static const uint8_t zero[4];
	if (memcmp(c1 + 4, zero, sizeof(zero)) == 0)
		return HS_PLAIN;
	if (verifies(c1, HS_DIGEST_B))
		return HS_DIGEST_B;
	return verifies(c1, HS_DIGEST_A) ? HS_DIGEST_A : HS_PLAIN;
}

/* S1 and S2 for a client that signed; false if libcrypto fails. */
static bool
answer_signed(struct hs_server *h, enum hs_kind kind, uint8_t *s1, uint8_t *s2)
{
	static const uint8_t version[4] = { 4, 5, 0, 1 };
	uint8_t key[DIGEST];
	memset(s1, 0, 4);
	memcpy(s1 + 4, version, sizeof(version));
	fill(&h->seed, s1 + 8, HS_PACKET - 8);
	size_t at = digest_at(s1, kind);
	uint8_t *tail = s2 + HS_PACKET - DIGEST;
	fill(&h->seed, s2, HS_PACKET - DIGEST);
	return sign(server_key, SERVER_KEY, s1, at, s1 + at) &&
	       hmac(server_key, sizeof(server_key),
		   h->c1 + digest_at(h->c1, kind), DIGEST, key) &&
	       hmac(key, DIGEST, s2, HS_PACKET - DIGEST, tail);
}

static void
answer_plain(struct hs_server *h, uint8_t *s1, uint8_t *s2)
{
	memset(s1, 0, 8);
	fill(&h->seed, s1 + 8, HS_PACKET - 8);
	memcpy(s2, h->c1, HS_PACKET);
}

static void
answer(struct hs_server *h, uint8_t out[HS_SERVER_OUT])
{
	uint8_t *s1 = out + 1, *s2 = s1 + HS_PACKET;
	enum hs_kind kind = kind_of(h->c1);
	out[0] = VERSION;
	if (kind != HS_PLAIN && !answer_signed(h, kind, s1, s2))
		kind = HS_PLAIN;
	if (kind == HS_PLAIN)
		answer_plain(h, s1, s2);
	h->kind = (uint8_t)kind;
}

/* What the first byte says. */
static enum hs_result
check_version(uint8_t first)
{
	if (first == VERSION)
		return HS_NEED_MORE;
	if (first == TLS_RECORD)
		return HS_IS_TLS;
	return first >= 'A' && first <= 'Z' ? HS_IS_HTTP : HS_BAD_VERSION;
}

/*
 * Take version and first packet.  Returns HS_DONE when the packet is
 * complete, HS_NEED_MORE before; *got counts.
 */
static enum hs_result
take_packet(uint32_t *got, uint8_t packet[HS_PACKET], const uint8_t **p,
    const uint8_t *end)
{
	if (*got == 0) {
		if (*p == end)
			return HS_NEED_MORE;
		enum hs_result e = check_version(**p);
		if (e != HS_NEED_MORE)
			return e;
		(*p)++;
		*got = 1;
	}
	size_t n = (size_t)(end - *p), want = HS_PACKET + 1 - *got;
	n = n < want ? n : want;
	if (n > 0)
		memcpy(packet + *got - 1, *p, n);
	*p += n;
	*got += (uint32_t)n;
	return n == want ? HS_DONE : HS_NEED_MORE;
}

/* Count the second packet. */
static enum hs_result
count_packet(uint32_t *got, const uint8_t **p, const uint8_t *end)
{
	size_t n = (size_t)(end - *p), want = 2 * HS_PACKET + 1 - *got;
	n = n < want ? n : want;
	*p += n;
	*got += (uint32_t)n;
	return n == want ? HS_DONE : HS_NEED_MORE;
}

void
hs_server_init(struct hs_server *h, uint64_t seed)
{
	/* c1 is filled before it is read. */
	h->seed = seed;
	h->got = 0;
	h->kind = HS_PLAIN;
	h->error = HS_NEED_MORE;
}

enum hs_result
hs_server_feed(struct hs_server *h, const uint8_t **p, const uint8_t *end,
    uint8_t out[HS_SERVER_OUT], size_t *out_len)
{
	*out_len = 0;
	if (h->error != HS_NEED_MORE)
		return (enum hs_result)h->error;
	if (h->got <= HS_PACKET) {
		enum hs_result e = take_packet(&h->got, h->c1, p, end);
		if (e != HS_DONE) {
			h->error = (uint8_t)e;
			return e;
		}
		answer(h, out);
		*out_len = HS_SERVER_OUT;
	}
	return count_packet(&h->got, p, end);
}

void
hs_client_init(struct hs_client *h, uint64_t seed, uint8_t out[HS_CLIENT_OUT])
{
	h->seed = seed;
	h->got = 0;
	h->error = HS_NEED_MORE;
	out[0] = VERSION;
	memset(out + 1, 0, 8);
	fill(&h->seed, out + 9, HS_CLIENT_OUT - 9);
}

enum hs_result
hs_client_feed(struct hs_client *h, const uint8_t **p, const uint8_t *end,
    uint8_t out[HS_PACKET], size_t *out_len)
{
	*out_len = 0;
	if (h->error != HS_NEED_MORE)
		return (enum hs_result)h->error;
	if (h->got <= HS_PACKET) {
		enum hs_result e = take_packet(&h->got, h->s1, p, end);
		if (e != HS_DONE) {
			h->error = (uint8_t)e;
			return e;
		}
		memcpy(out, h->s1, HS_PACKET);
		*out_len = HS_PACKET;
	}
	return count_packet(&h->got, p, end);
}

const char *
hs_kind_name(enum hs_kind k)
{
	switch (k) {
	case HS_PLAIN:
		return "plain";
	case HS_DIGEST_A:
		return "digest-a";
	case HS_DIGEST_B:
		return "digest-b";
	}
	return "invalid";
}
