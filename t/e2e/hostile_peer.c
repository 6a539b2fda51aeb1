#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "rtmp/handshake.h"
#include "rtmp/wire.h"
#include "t/e2e/hostile.h"

static uint8_t outbuf[PEER_OUT];
static uint8_t inbuf[PEER_IN];

uint64_t
peer_now_ms(void)
{
	return clock_now().ns / NS_PER_MS;
}

bool
peer_fail(struct peer *p, const char *what)
{
	if (p->error[0] == '\0')
		snprintf(p->error, sizeof p->error, "%s", what);
	return false;
}

void
peer_init(struct peer *p, const char *host, const char *port, int scale)
{
	*p = (struct peer){ .host = host,
		.port = port,
		.fd = -1,
		.in = inbuf,
		.scale = scale,
		.chunk = WIRE_CHUNK_DEFAULT };
	writer_init(&p->out, outbuf, sizeof outbuf);
}

void
peer_fini(struct peer *p)
{
	peer_close(p, false);
}

/* Ports come again, so each case has an address: 127.1.x.y. */
static void
from_own_address(const struct peer *p)
{
	struct sockaddr_in me = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f010000 + p->number) };
	if (p->number > 0)
		(void)bind(p->fd, (struct sockaddr *)&me, sizeof me);
}

bool
peer_open(struct peer *p)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	struct sockaddr_in me;
	socklen_t len = sizeof me;
	const int one = 1;
	char ip[INET_ADDRSTRLEN] = "";
	if (getaddrinfo(p->host, p->port, &hints, &ai) != 0)
		return peer_fail(p, "no such address");
	p->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->rcvbuf > 0)
		setsockopt(
		    p->fd, SOL_SOCKET, SO_RCVBUF, &p->rcvbuf, sizeof p->rcvbuf);
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	from_own_address(p);
	bool ok =
	    p->fd >= 0 && connect(p->fd, ai->ai_addr, ai->ai_addrlen) == 0;
	freeaddrinfo(ai);
	if (!ok)
		return peer_fail(p, strerror(errno));
	(void)getsockname(p->fd, (struct sockaddr *)&me, &len);
	inet_ntop(AF_INET, &me.sin_addr, ip, sizeof ip);
	snprintf(p->addr, sizeof p->addr, "%s:%u", ip, ntohs(me.sin_port));
	return true;
}

void
peer_close(struct peer *p, bool hard)
{
	const struct linger rst = { .l_onoff = 1, .l_linger = 0 };
	if (p->fd < 0)
		return;
	if (hard)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &rst, sizeof rst);
	close(p->fd);
	p->fd = -1;
	p->ended = true;
}

/* Input ------------------------------------------------------------------- */

static void
make_room(struct peer *p)
{
	size_t drop = PEER_IN / 2;
	if (p->in_len < PEER_IN)
		return;
	memmove(p->in, p->in + drop, p->in_len - drop);
	p->in_len -= drop;
	p->seen = p->seen > drop ? p->seen - drop : 0;
}

static bool
take(struct peer *p)
{
	make_room(p);
	ssize_t n =
	    recv(p->fd, p->in + p->in_len, PEER_IN - p->in_len, MSG_DONTWAIT);
	if (n > 0) {
		p->in_len += (size_t)n;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		p->ended = true;
		p->was_reset = n < 0;
	}
	return n > 0;
}

bool
peer_read(struct peer *p, int ms)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	return p->fd >= 0 && !p->ended && poll(&pfd, 1, ms) > 0 && take(p);
}

bool
peer_wait(struct peer *p, const void *text, size_t len, int ms)
{
	uint64_t until = peer_now_ms() + (uint64_t)ms * (unsigned)p->scale;
	for (;;) {
		uint8_t *at =
		    memmem(p->in + p->seen, p->in_len - p->seen, text, len);
		if (at != NULL) {
			p->seen = (size_t)(at - p->in) + len;
			return true;
		}
		if (p->ended || peer_now_ms() >= until)
			return false;
		(void)peer_read(p, 50);
	}
}

bool
peer_wait_end(struct peer *p, int ms)
{
	uint64_t until = peer_now_ms() + (uint64_t)ms * (unsigned)p->scale;
	while (!p->ended && peer_now_ms() < until)
		(void)peer_read(p, 50);
	return p->ended;
}

/* Output ------------------------------------------------------------------ */

/* Wait until something may be sent, and take what comes meanwhile. */
static bool
writable(struct peer *p, int ms)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLOUT };
	if (!p->deaf && !p->ended)
		pfd.events |= POLLIN;
	if (poll(&pfd, 1, ms) <= 0)
		return false;
	if ((pfd.revents & POLLIN) != 0 && !p->ended)
		(void)take(p);
	return (pfd.revents & POLLOUT) != 0;
}

static bool
send_some(struct peer *p, const uint8_t **b, size_t *n, uint64_t *until)
{
	if (!writable(p, 50))
		return true;
	size_t most = p->drip_ms > 0 ? 1 : *n;
	ssize_t r = send(p->fd, *b, most, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (r < 0)
		return errno == EAGAIN || errno == EINTR;
	*b += r;
	*n -= (size_t)r;
	*until = peer_now_ms() + 10000u * (unsigned)p->scale;
	if (p->drip_ms > 0)
		(void)peer_read(p, 0), usleep((useconds_t)p->drip_ms * 1000);
	return true;
}

bool
peer_flush(struct peer *p)
{
	const uint8_t *b = p->out.buf;
	size_t n = p->out.len;
	uint64_t until = peer_now_ms() + 10000u * (unsigned)p->scale;
	if (!writer_ok(&p->out))
		return peer_fail(p, "too much for one write");
	writer_init(&p->out, outbuf, sizeof outbuf);
	while (n > 0 && !p->ended && p->fd >= 0) {
		if (!send_some(p, &b, &n, &until)) {
			/* keep what it said before */
			while (peer_read(p, 0))
				;
			p->ended = true;
			p->was_reset = true;
			return false;
		}
		if (peer_now_ms() > until)
			return false; /* the server reads no more: it may */
	}
	return n == 0;
}

bool
peer_pong(struct peer *p, int ms)
{
	static uint32_t stamp = 0x5a11c300;
	uint8_t ping[6] = { 0, WIRE_PING_REQUEST }, pong[6];
	stamp++;
	for (int i = 0; i < 4; i++)
		ping[2 + i] = (uint8_t)(stamp >> (24 - 8 * i));
	memcpy(pong, ping, sizeof pong);
	pong[1] = WIRE_PING_RESPONSE;
	wire_write(&p->out, WIRE_CSID_CONTROL, WIRE_USER_CONTROL, 0, 0, ping,
	    sizeof ping, p->chunk);
	(void)peer_flush(p);
	return peer_wait(p, pong, sizeof pong, ms);
}

bool
peer_handshake(struct peer *p)
{
	uint64_t until = peer_now_ms() + 3000u * (unsigned)p->scale;
	writer_u8(&p->out, 3);
	memset(writer_space(&p->out, HS_PACKET), 0, HS_PACKET);
	(void)peer_flush(p);
	while (!p->ended && p->in_len < HS_SERVER_OUT && peer_now_ms() < until)
		(void)peer_read(p, 50);
	if (p->in_len < HS_SERVER_OUT)
		return peer_fail(p, "no handshake");
	p->seen = HS_SERVER_OUT;
	memset(writer_space(&p->out, HS_PACKET), 0, HS_PACKET);
	return peer_flush(p) || peer_fail(p, "closed in the handshake");
}
