#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "common/token.h"

#define TOKEN_TITLE "sluice-token-1"

enum {
	MESSAGE_MAX = 32 + TOKEN_KEY_MAX + 24 + ADDR_NET_TEXT,
	DIGITS_MAX = 12,
	NET64 = (ADDR_NET_TEXT * 4 + 2) / 3 + 1,
	MAC64 = 43
};

static const char digits64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url without padding; out has room for len * 4 / 3 + 2 bytes. */
static void
encode(const uint8_t *p, size_t len, char *out)
{
	uint32_t bits = 0;
	unsigned n = 0;
	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | p[i];
		for (n += 8; n >= 6; n -= 6)
			*out++ = digits64[bits >> (n - 6) & 63];
	}
	if (n > 0)
		*out++ = digits64[bits << (6 - n) & 63];
	*out = '\0';
}

/* Returns the number of bytes, or -1: not base64url, or more than cap. */
static int
decode(const char *s, size_t len, uint8_t *out, size_t cap)
{
	uint32_t bits = 0;
	unsigned n = 0;
	size_t got = 0;
	for (size_t i = 0; i < len; i++) {
		const char *at = s[i] ? strchr(digits64, s[i]) : NULL;
		if (at == NULL)
			return -1;
		bits = bits << 6 | (uint32_t)(at - digits64);
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		if (got == cap)
			return -1;
		out[got++] = (uint8_t)(bits >> n & 255);
	}
	/* what is left over belongs to no byte: fewer than 6 bits, all 0 */
	return n < 6 && (bits & ((1u << n) - 1)) == 0 ? (int)got : -1;
}

const char *
token_use_name(enum token_use use)
{
	return use == TOKEN_PLAY ? "play" : "publish";
}

/* Names with control characters are no names, and would shift the lines. */
static bool
key_is_plain(const struct token_scope *s)
{
	unsigned nuls = 0;
	if (s->keylen > TOKEN_KEY_MAX)
		return false;
	for (size_t i = 0; i < s->keylen; i++) {
		nuls += s->key[i] == '\0';
		if (s->key[i] != '\0' && (uint8_t)s->key[i] < 32)
			return false;
	}
	return nuls == 3;
}

/* Returns the length of what is signed, 0 if it cannot be. */
static size_t
message(const struct token_scope *s, uint64_t expires, const char *net_text,
    char out[MESSAGE_MAX])
{
	char key[TOKEN_KEY_MAX + 1];
	if (!key_is_plain(s))
		return 0;
	for (size_t i = 0; i < s->keylen; i++)
		key[i] = s->key[i] == '\0' ? '\n' : s->key[i];
	key[s->keylen] = '\0';
	int n =
	    snprintf(out, MESSAGE_MAX, TOKEN_TITLE "\n%s\n%s\n%" PRIu64 "\n%s",
		token_use_name(s->use), key, expires, net_text);
	return n > 0 && n < MESSAGE_MAX ? (size_t)n : 0;
}

static int
sign(const char *secret, const struct token_scope *s, uint64_t expires,
    const char *net_text, uint8_t mac[TOKEN_MAC])
{
	char text[MESSAGE_MAX];
	size_t n = message(s, expires, net_text, text);
	if (n == 0 || HMAC(EVP_sha256(), secret, (int)strlen(secret),
			  (const uint8_t *)text, n, mac, NULL) == NULL)
		return -EINVAL;
	return 0;
}

int
token_make(const char *secret, const struct token_scope *s, uint64_t expires,
    const char *net_text, char text[TOKEN_TEXT])
{
	uint8_t mac[TOKEN_MAC];
	char net64[NET64 + 1], mac64[MAC64 + 2], err[96];
	struct addr_net net;
	size_t n = strlen(net_text);
	if (n >= ADDR_NET_TEXT ||
	    (n > 0 && addr_net_parse(net_text, n, &net, err, sizeof err) != 0))
		return -EINVAL;
	if (sign(secret, s, expires, net_text, mac) != 0)
		return -EINVAL;
	encode((const uint8_t *)net_text, n, net64);
	encode(mac, sizeof mac, mac64);
	snprintf(
	    text, TOKEN_TEXT, "1.%" PRIu64 ".%s.%s", expires, net64, mac64);
	return 0;
}

/* The part up to the next dot, or to the end for the last. */
static bool
part(const char **p, const char *end, bool last, const char **at, size_t *n)
{
	const char *dot = memchr(*p, '.', (size_t)(end - *p));
	if (last != (dot == NULL))
		return false;
	*at = *p;
	*n = (size_t)((dot != NULL ? dot : end) - *p);
	*p = dot != NULL ? dot + 1 : end;
	return true;
}

static bool
decimal(const char *s, size_t n, uint64_t *v)
{
	*v = 0;
	if (n == 0 || n > DIGITS_MAX || (s[0] == '0' && n > 1))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*v = *v * 10 + (uint64_t)(s[i] - '0');
	}
	return true;
}

static bool
network(const char *s, size_t n, struct token *t)
{
	char err[96];
	int len = decode(s, n, (uint8_t *)t->net_text, sizeof t->net_text - 1);
	if (len < 0 || memchr(t->net_text, '\0', (size_t)len) != NULL)
		return false;
	t->net_text[len] = '\0';
	t->bound = len > 0;
	return len == 0 || addr_net_parse(t->net_text, (size_t)len, &t->net,
			       err, sizeof err) == 0;
}

int
token_parse(const char *text, size_t len, struct token *t)
{
	const char *p = text, *end = text + len, *at;
	size_t n;
	memset(t, 0, sizeof *t);
	if (!part(&p, end, false, &at, &n) || n != 1 || *at != '1' ||
	    !part(&p, end, false, &at, &n) || !decimal(at, n, &t->expires) ||
	    !part(&p, end, false, &at, &n) || !network(at, n, t) ||
	    !part(&p, end, true, &at, &n) ||
	    decode(at, n, t->mac, sizeof t->mac) != TOKEN_MAC)
		return -1;
	return 0;
}

bool
token_signed_by(
    const struct token *t, const char *secret, const struct token_scope *s)
{
	uint8_t mac[TOKEN_MAC];
	return sign(secret, s, t->expires, t->net_text, mac) == 0 &&
	       CRYPTO_memcmp(mac, t->mac, sizeof mac) == 0;
}
