#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/addr.h"

enum { V4_AT = 12, V4_BITS = 96 };

static const uint8_t v4_prefix[V4_AT] = { [10] = 0xff, [11] = 0xff };

static void
from_v4(const void *bytes, struct addr *a)
{
	memcpy(a->b, v4_prefix, V4_AT);
	memcpy(a->b + V4_AT, bytes, 4);
}

int
addr_parse(const char *text, size_t len, struct addr *a)
{
	char s[ADDR_TEXT];
	uint8_t v4[4];
	if (len >= sizeof s || memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(s, text, len);
	s[len] = '\0';
	if (inet_pton(AF_INET, s, v4) == 1) {
		from_v4(v4, a);
		return 0;
	}
	return inet_pton(AF_INET6, s, a->b) == 1 ? 0 : -1;
}

int
addr_parse_peer(const char *text, struct addr *a)
{
	const char *colon = strrchr(text, ':');
	if (colon == NULL)
		return -1;
	if (text[0] != '[')
		return addr_parse(text, (size_t)(colon - text), a);
	if (colon - text < 2 || colon[-1] != ']')
		return -1;
	return addr_parse(text + 1, (size_t)(colon - text) - 2, a);
}

int
addr_pair_parse(const char *text, struct addr_pair *p)
{
	static const char blank[] = " \t\r\n";
	struct addr a;
	*p = (struct addr_pair){ .has_v4 = false };
	text += strspn(text, blank);
	while (*text != '\0') {
		size_t n = strcspn(text, ", \t\r\n");
		if (addr_parse(text, n, &a) != 0)
			return -1;
		bool v4 = addr_is_v4(&a), *has = v4 ? &p->has_v4 : &p->has_v6;
		if (*has)
			return -1;
		*has = true;
		*(v4 ? &p->v4 : &p->v6) = a;
		text += n + strspn(text + n, blank);
		if (*text == '\0')
			return 0;
		if (*text++ != ',')
			return -1;
		text += strspn(text, blank);
		if (*text == '\0')
			return -1;
	}
	return 0;
}

void
addr_from_sockaddr(const struct sockaddr *sa, struct addr *a)
{
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	memset(a, 0, sizeof *a);
	if (sa->sa_family == AF_INET) {
		memcpy(&u.in, sa, sizeof u.in);
		from_v4(&u.in.sin_addr, a);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&u.in6, sa, sizeof u.in6);
		memcpy(a->b, &u.in6.sin6_addr, sizeof a->b);
	}
}

bool
addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_prefix, V4_AT) == 0;
}

bool
addr_is_loopback(const struct addr *a)
{
	static const struct addr one = { { [15] = 1 } };
	return addr_is_v4(a) ? a->b[V4_AT] == 127 : addr_equal(a, &one);
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void
addr_print(const struct addr *a, char text[ADDR_TEXT])
{
	bool v4 = addr_is_v4(a);
	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->b + V4_AT : a->b, text,
		ADDR_TEXT) == NULL)
		text[0] = '\0';
}

bool
addr_net_has(const struct addr_net *n, const struct addr *a)
{
	unsigned bytes = n->bits / 8, rest = n->bits % 8;
	if (memcmp(n->base.b, a->b, bytes) != 0)
		return false;
	return rest == 0 ||
	       ((n->base.b[bytes] ^ a->b[bytes]) >> (8 - rest)) == 0;
}

/* Decimal digits only.  Returns -1 for anything else or above max. */
static int
prefix_length(const char *p, size_t len, int max)
{
	int n = 0;
	if (len == 0 || len > 3)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		n = n * 10 + (p[i] - '0');
	}
	return n <= max ? n : -1;
}

static bool
clean_beyond(const struct addr_net *n)
{
	for (unsigned i = n->bits; i < 128; i++)
		if (n->base.b[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

int
addr_net_parse(
    const char *text, size_t len, struct addr_net *n, char *err, size_t errlen)
{
	const char *slash = memchr(text, '/', len);
	size_t alen = slash != NULL ? (size_t)(slash - text) : len;
	if (addr_parse(text, alen, &n->base) != 0) {
		snprintf(err, errlen,
		    "an address as 192.0.2.1 or 2001:db8::1, or a network as "
		    "192.0.2.0/24");
		return -1;
	}
	bool v4 = addr_is_v4(&n->base) && memchr(text, '.', alen) != NULL &&
		  memchr(text, ':', alen) == NULL;
	int max = v4 ? 32 : 128, bits = max;
	if (slash != NULL)
		bits = prefix_length(slash + 1, len - alen - 1, max);
	if (bits < 0) {
		snprintf(
		    err, errlen, "a prefix length from 0 to %d after /", max);
		return -1;
	}
	n->bits = (uint8_t)(v4 ? V4_BITS + bits : bits);
	if (!clean_beyond(n)) {
		snprintf(err, errlen,
		    "no bits of the address beyond the first %d", bits);
		return -1;
	}
	return 0;
}

void
addr_net_print(const struct addr_net *n, char text[ADDR_NET_TEXT])
{
	char a[ADDR_TEXT];
	bool v4 = addr_is_v4(&n->base) && n->bits >= V4_BITS;
	addr_print(&n->base, a);
	if (n->bits == 128)
		snprintf(text, ADDR_NET_TEXT, "%s", a);
	else
		snprintf(text, ADDR_NET_TEXT, "%s/%u", a,
		    v4 ? n->bits - V4_BITS : n->bits);
}
