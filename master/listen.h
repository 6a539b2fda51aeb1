/*
 * listen - the listening sockets.  Each address is bound once without
 * SO_REUSEPORT, which fails if anybody listens there; then every worker slot
 * gets a SO_REUSEPORT socket of its own for every address.  The master keeps
 * all of them for ever, so that a connection that arrives while a worker is
 * being restarted waits in the backlog.
 */
#ifndef MASTER_LISTEN_H
#define MASTER_LISTEN_H

#include <stddef.h>

#include "common/conf.h"
#include "master/hostport.h"
#include "shm/slot.h"

enum { LISTEN_BACKLOG = 4096 };

struct listeners {
	unsigned naddrs;
	char name[CONF_LISTEN_MAX][HOSTPORT_TEXT]; /* with the port chosen */
	int fd[SLOTS_MAX][CONF_LISTEN_MAX];
};

/*
 * Open all listeners of c for nslots slots.
 *
 * file		Adaptor.xml as it was read, for messages
 * Returns 0, or -1 with "file:line: address is used by ..." on stderr.
 */
int listen_open(struct listeners *l, const struct conf *c, const char *file,
    unsigned nslots);

void listen_close(struct listeners *l, unsigned nslots);

/*
 * Who listens on (host, port)?  Looks in /proc.
 * Writes "nginx (pid 812)" or "another program" to buf.
 */
void listen_who(const char *host, unsigned port, char *buf, size_t len);

#endif
