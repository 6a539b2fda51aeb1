/*
 * token - signed permissions to publish or play one stream until a time, from
 * one address or network or from anywhere.
 *
 *	1.EXPIRES.NET.MAC
 *
 * EXPIRES	seconds since 1970-01-01 UTC, decimal
 * NET		the address or network as text, in base64url; empty: any
 * MAC		HMAC-SHA256 (RFC 2104, FIPS 180-4) in base64url (RFC 4648, 5,
 *		no padding) of these lines, with a line feed after each but the
 *		last: "sluice-token-1", "publish" or "play", vhost,
 *		application, instance, stream ("*": every stream of that
 *		instance), EXPIRES, the address or network as text (or nothing)
 *
 * All characters are unreserved in URLs (RFC 3986, 2.3).
 * Context: any; not for the hot path.
 */
#ifndef COMMON_TOKEN_H
#define COMMON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	TOKEN_TEXT = 160, /* bytes of any token, NUL included */
	TOKEN_KEY_MAX = 256,
	TOKEN_MAC = 32
};

enum token_use { TOKEN_PUBLISH, TOKEN_PLAY };

/* What a token says, before its signature is believed. */
struct token {
	uint64_t expires; /* s since 1970 */
	bool bound;	  /* to net */
	struct addr_net net;
	char net_text[ADDR_NET_TEXT]; /* as it was signed */
	uint8_t mac[TOKEN_MAC];
};

/* A stream's key (vhost NUL app NUL instance NUL stream) and what for. */
struct token_scope {
	enum token_use use;
	const char *key;
	size_t keylen; /* at most TOKEN_KEY_MAX */
};

const char *token_use_name(enum token_use use);

/*
 * Sign.  net_text: "" or what addr_net_parse() takes.
 * Returns 0, or -EINVAL: the scope or net_text cannot be signed
 */
int token_make(const char *secret, const struct token_scope *s,
    uint64_t expires, const char *net_text, char text[TOKEN_TEXT]);

/* Take a token's text apart.  Returns 0, or -1: it is none. */
int token_parse(const char *text, size_t len, struct token *t);

/* Is it of this secret, for this scope?  In constant time. */
bool token_signed_by(
    const struct token *t, const char *secret, const struct token_scope *s);

#endif
