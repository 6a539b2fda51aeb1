/*
 * handshake - the RTMP handshake (RTMP 1.0, 5.2) of a server and of a client,
 * resumable at every byte.  The server signs its answer if the client's C1
 * carries a digest (read in arut/nginx-rtmp-module: ngx_rtmp_handshake.c),
 * else it answers plainly, with zeros for a version.
 * Lifetime: the structs are needed until HS_DONE only.  Context: one thread.
 *
 *	C0 C1 -> S0 S1 S2 -> C2		C2 and S2 are counted, not checked
 *
 * Digests, all HMAC-SHA256 over 1536 bytes without the 32 of the digest:
 *
 *	layout	offset from	digest at
 *	B	bytes 772..775	sum mod 728 + 776	tried first
 *	A	bytes 8..11	sum mod 728 + 12
 */
#ifndef RTMP_HANDSHAKE_H
#define RTMP_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HS_PACKET = 1536,
	HS_SERVER_OUT = 1 + 2 * HS_PACKET, /* S0 S1 S2 */
	HS_CLIENT_OUT = 1 + HS_PACKET	   /* C0 C1; C2 is one byte less */
};

enum hs_result {
	HS_NEED_MORE,
	HS_DONE,
	HS_BAD_VERSION, /* the first byte is not 3 (6, 8: RTMPE) */
	HS_IS_TLS,	/* a TLS record */
	HS_IS_HTTP	/* a capital letter: GET, POST, RTMPT */
};

enum hs_kind { HS_PLAIN, HS_DIGEST_A, HS_DIGEST_B };

struct hs_server {
	uint64_t seed;
	uint32_t got;  /* bytes of the client so far, C0 included */
	uint8_t kind;  /* enum hs_kind, known when S0 S1 S2 are out */
	uint8_t error; /* enum hs_result, sticky */
	uint8_t c1[HS_PACKET];
};
_Static_assert(sizeof(struct hs_server) <= 1600, "comes from a pool");

/* seed		random, another one for each connection */
void hs_server_init(struct hs_server *h, uint64_t seed);

/*
 * Take bytes of the client from *p up to end; *p stops behind C2, what
 * follows are chunks.
 *
 * out_len	set to HS_SERVER_OUT when the answer was written to out, once,
 *		else to 0; it can come together with HS_DONE
 * Returns	HS_NEED_MORE, HS_DONE, or what else the peer speaks
 */
enum hs_result hs_server_feed(struct hs_server *h, const uint8_t **p,
    const uint8_t *end, uint8_t out[HS_SERVER_OUT], size_t *out_len);

struct hs_client {
	uint64_t seed;
	uint32_t got;
	uint8_t error;
	uint8_t s1[HS_PACKET];
};

/* C0 C1 (plain) are written to out: HS_CLIENT_OUT bytes to send at once. */
void hs_client_init(
    struct hs_client *h, uint64_t seed, uint8_t out[HS_CLIENT_OUT]);

/* As hs_server_feed(); out_len is HS_PACKET when C2 was written, once. */
enum hs_result hs_client_feed(struct hs_client *h, const uint8_t **p,
    const uint8_t *end, uint8_t out[HS_PACKET], size_t *out_len);

/* "plain", "digest-a", "digest-b". */
const char *hs_kind_name(enum hs_kind k);

#endif
