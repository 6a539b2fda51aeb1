#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cursor.h"
#include "t/unit/dns.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, HEADER = 12 };
enum { NXDOMAIN = 3, SERVFAIL = 2 };
enum how { ANSWER, SILENT, GARBAGE, BY_TCP, FAILING };

struct known {
	const char *name;
	enum how how;
	uint32_t ttl;
	unsigned v4, v6; /* addresses: 192.0.2.1.., 2001:db8::1.. */
	const char *alias;
};

static const struct known table[] = {
	{ "both.test", ANSWER, 3600, 2, 1, NULL },
	{ "four.test", ANSWER, 3600, 1, 0, NULL },
	{ "six.test", ANSWER, 3600, 0, 1, NULL },
	{ "brief.test", ANSWER, 0, 1, 0, NULL },
	{ "ten.test", ANSWER, 10, 1, 0, NULL },
	{ "alias.test", ANSWER, 10, 1, 0, "real.test" },
	{ "many.test", ANSWER, 60, 20, 0, NULL },
	{ "nothing.test", ANSWER, 60, 0, 0, NULL },
	{ "silent.test", SILENT, 0, 0, 0, NULL },
	{ "garbage.test", GARBAGE, 60, 1, 0, NULL },
	{ "large.test", BY_TCP, 60, 1, 0, NULL },
	{ "failing.test", FAILING, 60, 1, 0, NULL },
};

static int udp = -1, tcp = -1, peer = -1;
static unsigned asked, asked_tcp;

static int
open_on(int type, uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof in) != 0) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

void
dns_open(char servers[32])
{
	uint16_t port = 0;
	/* a port that is free for both */
	for (unsigned i = 0; i < 100 && tcp < 0; i++) {
		port = 0;
		if (udp >= 0)
			close(udp);
		udp = open_on(SOCK_DGRAM, &port);
		tcp = open_on(SOCK_STREAM, &port);
	}
	ck_assert(udp >= 0 && tcp >= 0);
	ck_assert_int_eq(listen(tcp, 4), 0);
	snprintf(servers, 32, "127.0.0.1:%u", port);
	asked = asked_tcp = 0;
}

void
dns_close(void)
{
	close(udp);
	close(tcp);
	if (peer >= 0)
		close(peer);
	udp = tcp = peer = -1;
}

unsigned
dns_asked(void)
{
	return asked;
}

unsigned
dns_asked_tcp(void)
{
	return asked_tcp;
}

/* A name in labels to text; bytes read, 0: none. */
static size_t
read_name(const uint8_t *q, size_t n, char *text, size_t cap)
{
	size_t at = HEADER, to = 0;
	while (at < n && q[at] != 0) {
		size_t len = q[at++];
		if (at + len > n || to + len + 2 > cap)
			return 0;
		if (to > 0)
			text[to++] = '.';
		memcpy(text + to, q + at, len);
		to += len;
		at += len;
	}
	text[to] = '\0';
	return at < n ? at + 1 : 0;
}

static void
write_name(struct writer *w, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");
		writer_u8(w, (uint8_t)n);
		writer_bytes(w, name, n);
		name += n + (name[n] == '.');
	}
	writer_u8(w, 0);
}

/* "n7.silent.test" is silent.test too. */
static const struct known *
find(const char *name)
{
	size_t n = strlen(name), k;
	for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
		k = strlen(table[i].name);
		if (n >= k && strcasecmp(name + n - k, table[i].name) == 0)
			return &table[i];
	}
	return NULL;
}

static void
record(struct writer *w, uint16_t type, uint32_t ttl, unsigned i)
{
	uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)i };
	uint8_t v4[4] = { 192, 0, 2, (uint8_t)i };
	writer_u16(w, type);
	writer_u16(w, 1);
	writer_u32(w, ttl);
	writer_u16(w, type == TYPE_A ? 4 : 16);
	writer_bytes(w, type == TYPE_A ? v4 : v6, type == TYPE_A ? 4 : 16);
}

static void
answer(struct writer *w, const struct known *k, const char *name, uint16_t type)
{
	unsigned n = type == TYPE_A ? k->v4 : type == TYPE_AAAA ? k->v6 : 0;
	if (k->alias != NULL) {
		uint8_t label[64];
		struct writer l;
		writer_init(&l, label, sizeof label);
		write_name(&l, k->alias);
		write_name(w, name);
		writer_u16(w, TYPE_CNAME);
		writer_u16(w, 1);
		writer_u32(w, 5);
		writer_u16(w, (uint16_t)l.len);
		writer_bytes(w, label, l.len);
		name = k->alias;
	}
	for (unsigned i = 1; i <= n; i++) {
		write_name(w, name);
		record(w, type, k->ttl, i);
	}
}

/* The reply to the n bytes of q; its length, 0: none. */
static size_t
reply(const uint8_t *q, size_t n, bool by_tcp, uint8_t *to, size_t cap)
{
	char name[256];
	size_t end = n > HEADER ? read_name(q, n, name, sizeof name) : 0;
	if (end == 0 || end + 4 > n)
		return 0;
	asked++;
	asked_tcp += by_tcp;
	uint16_t type = (uint16_t)(q[end] << 8 | q[end + 1]);
	const struct known *k = find(name);
	if (k != NULL && k->how == SILENT)
		return 0;
	bool cut = k != NULL && k->how == BY_TCP && !by_tcp;
	unsigned count = k == NULL || cut    ? 0
			 : type == TYPE_A    ? k->v4
			 : type == TYPE_AAAA ? k->v6
					     : 0;
	count += k != NULL && k->alias != NULL;
	struct writer w;
	writer_init(&w, to, cap);
	writer_bytes(&w, q, 2);
	writer_u16(&w, (uint16_t)(0x8180 | (cut ? 0x200 : 0) |
				  (k == NULL		  ? NXDOMAIN
				      : k->how == FAILING ? SERVFAIL
							  : 0)));
	writer_u16(&w, 1);
	writer_u16(&w, (uint16_t)count);
	writer_u32(&w, 0);
	writer_bytes(&w, q + HEADER, end + 4 - HEADER);
	if (k != NULL && !cut)
		answer(&w, k, name, type);
	ck_assert(writer_ok(&w));
	size_t len = w.len;
	if (k != NULL && k->how == GARBAGE)
		for (size_t i = end + 4; i < len; i++)
			to[i] = (uint8_t)(i * 37);
	return len;
}

static void
serve_udp(void)
{
	uint8_t q[512], r[1024];
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	ssize_t n;
	while ((n = recvfrom(
		    udp, q, sizeof q, 0, (struct sockaddr *)&from, &len)) > 0) {
		size_t k = reply(q, (size_t)n, false, r, sizeof r);
		if (k > 0)
			(void)!sendto(
			    udp, r, k, 0, (struct sockaddr *)&from, len);
		len = sizeof from;
	}
}

/* One connection at a time; whole questions, as a test's client sends them. */
static void
serve_tcp(void)
{
	uint8_t q[514], r[1026];
	if (peer < 0)
		peer = accept4(tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (peer < 0)
		return;
	ssize_t n = recv(peer, q, sizeof q, 0);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		close(peer);
		peer = -1;
	}
	for (ssize_t at = 0; at + 2 < n;) {
		size_t len = (size_t)(q[at] << 8 | q[at + 1]);
		if (at + 2 + (ssize_t)len > n)
			break;
		size_t k = reply(q + at + 2, len, true, r + 2, sizeof r - 2);
		r[0] = (uint8_t)(k >> 8);
		r[1] = (uint8_t)k;
		if (k > 0)
			(void)!send(peer, r, k + 2, MSG_NOSIGNAL);
		at += 2 + (ssize_t)len;
	}
}

void
dns_serve(void)
{
	serve_udp();
	serve_tcp();
}
