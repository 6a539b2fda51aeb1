#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/listen.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t
address_of(const struct conf_listen *l, union address *a)
{
	memset(a, 0, sizeof *a);
	if (inet_pton(AF_INET, l->host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(l->port);
		return sizeof a->v4;
	}
	(void)inet_pton(AF_INET6, l->host, &a->v6.sin6_addr);
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(l->port);
	return sizeof a->v6;
}

/* A bound and listening socket, or -errno. */
static int
open_one(const struct conf_listen *l, bool shared)
{
	union address a;
	socklen_t len = address_of(l, &a);
	int one = 1;
	int fd = socket(
	    a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* connections of an earlier run may be in TIME_WAIT */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (a.any.sa_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if ((shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one,
			   sizeof one) != 0) ||
	    bind(fd, &a.any, len) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static uint16_t
port_of(int fd)
{
	union address a;
	socklen_t len = sizeof a;
	if (getsockname(fd, &a.any, &len) != 0)
		return 0;
	return ntohs(
	    a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

/* "FILE:LINE: ADDRESS " and, for a default, what to do instead of LINE. */
static void
explain(const struct conf_listen *l, const char *file, int err)
{
	char addr[HOSTPORT_TEXT], who[128];
	hostport_text(l, addr);
	if (l->line > 0)
		fprintf(stderr, "%s:%d: %s ", file, (int)l->line, addr);
	else
		fprintf(stderr, "%s: default: %s ", file, addr);
	if (err == -EADDRINUSE) {
		listen_who(l->host, l->port, who, sizeof who);
		fprintf(stderr, "is used by %s: stop it or ", who);
	} else if (err == -EACCES) {
		fprintf(stderr, "may not be opened by this user (ports below "
				"1024 need a privilege): ");
	} else {
		fprintf(stderr, "cannot be opened (%s): ", strerror(-err));
	}
	if (l->line > 0)
		fprintf(stderr, "change HostPort\n");
	else
		fprintf(stderr,
		    "write <Adaptor><HostPortList><HostPort>:PORT</HostPort>"
		    "</HostPortList></Adaptor> to that file\n");
}

/* IPv6 by default, on a machine that has none: no fault. */
static bool
may_be_missing(const struct conf_listen *l, int err)
{
	return l->implicit && (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL);
}

static int
probe(const struct conf *c, const char *file, bool missing[])
{
	int faults = 0;
	for (uint32_t i = 0; i < c->nlisten; i++) {
		int fd = open_one(&c->listen[i], false);
		missing[i] = fd < 0 && may_be_missing(&c->listen[i], fd);
		if (fd >= 0) {
			close(fd);
		} else if (!missing[i]) {
			explain(&c->listen[i], file, fd);
			faults++;
		}
	}
	return faults ? -1 : 0;
}

static int
open_address(struct listeners *l, struct conf_listen *addr, const char *file,
    unsigned nslots)
{
	for (unsigned s = 0; s < nslots; s++) {
		int fd = open_one(addr, true);
		if (fd < 0) {
			explain(addr, file, fd);
			return -1;
		}
		l->fd[s][l->naddrs] = fd;
		if (addr->port == 0)
			addr->port = port_of(fd);
	}
	hostport_text(addr, l->name[l->naddrs++]);
	return 0;
}

int
listen_open(struct listeners *l, const struct conf *c, const char *file,
    unsigned nslots)
{
	bool missing[CONF_LISTEN_MAX] = { false };
	memset(l, 0, sizeof *l);
	memset(l->fd, -1, sizeof l->fd);
	if (probe(c, file, missing) != 0)
		return -1;
	for (uint32_t i = 0; i < c->nlisten; i++) {
		struct conf_listen addr = c->listen[i];
		if (missing[i])
			continue;
		if (open_address(l, &addr, file, nslots) != 0) {
			listen_close(l, nslots);
			return -1;
		}
	}
	return 0;
}

void
listen_close(struct listeners *l, unsigned nslots)
{
	for (unsigned s = 0; s < nslots; s++)
		for (unsigned i = 0; i < CONF_LISTEN_MAX; i++)
			if (l->fd[s][i] >= 0) {
				close(l->fd[s][i]);
				l->fd[s][i] = -1;
			}
}
