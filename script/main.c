/*
 * sluice-script - runs the script of one application, for the master `sluice`,
 * which starts it (common/proto.h).  It never sees media.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "script/guard.h"
#include "common/proto.h"
#include "script/serve.h"

enum { AT_ONCE = 64, NICE = 5 };

static int
wait_ms(struct mono now, uint64_t next)
{
	if (next == UINT64_MAX)
		return -1;
	if (next <= now.ns)
		return 0;
	uint64_t ms = (next - now.ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms < 60000 ? (int)ms : 60000;
}

/* Messages that are there.  Returns SERVE_ON or an exit status. */
static int
receive(struct host *h)
{
	static char text[PROTO_MAX];
	for (unsigned i = 0; i < AT_ONCE; i++) {
		long n = link_recv(&h->link, text);
		if (n == -EAGAIN)
			return SERVE_ON;
		if (n <= 0)
			return PROTO_EXIT_NO_MASTER;
		int r = serve_message(h, text, (size_t)n);
		if (r != SERVE_ON)
			return r;
		if (link_flush(&h->link) != 0)
			return PROTO_EXIT_NO_MASTER;
	}
	return SERVE_ON;
}

static int
loop(struct host *h)
{
	for (;;) {
		uint64_t next;
		struct mono now = clock_now();
		int r = serve_time(h, now, &next);
		if (r != SERVE_ON)
			return r;
		if (link_flush(&h->link) != 0)
			return PROTO_EXIT_NO_MASTER;
		uint64_t tell = log_tick(now);
		next = tell < next ? tell : next;
		struct pollfd p = { .fd = h->link.fd,
			.events =
			    POLLIN | (link_waits(&h->link) ? POLLOUT : 0) };
		int n = poll(&p, 1, wait_ms(clock_now(), next));
		if (n > 0 && (p.revents & ~POLLOUT))
			r = receive(h);
		if (r != SERVE_ON)
			return r;
	}
}

int
main(void)
{
	static struct host h;
	int type = 0;
	socklen_t len = sizeof type;
	if (getsockopt(PROTO_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    type != SOCK_SEQPACKET) {
		fputs("sluice-script is started by sluice, not by hand\n",
		    stderr);
		return 64;
	}
	(void)!nice(NICE); /* media first */
	log_open(PROTO_LOG_FD, LOG_LEVEL_DEBUG);
	link_init(&h.link, PROTO_FD);
	int r = guard_init();
	if (r != 0)
		return PROTO_EXIT_ENGINE;
	r = loop(&h);
	(void)link_flush(&h.link);
	serve_fini(&h);
	log_flush();
	return r;
}
