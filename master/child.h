/*
 * child - a helper program of the master: started with a socket pair to it, as the user
 * of the workers.  It stands beside sluice-worker.
 *
 * In the child descriptor 3 is its end of the pair (SOCK_SEQPACKET), 4 the socket of
 * the log writer; it has no other but the standard ones, stdin is empty.
 * Context: the main thread.
 */
#ifndef MASTER_CHILD_H
#define MASTER_CHILD_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

struct master;

struct child {
	pid_t pid;	 /* 0: none */
	int pidfd, sock; /* sock: our end, non-blocking */
};

/*
 * Start program `name`; events of its socket and of its pidfd come to the master's
 * epoll with these data.
 * Returns 0 or -errno: there is none.
 */
int child_start(const struct master *m, const char *name, uint64_t sock_tag,
    uint64_t pidfd_tag, struct child *c);

/* It will be dead soon: its pidfd tells. */
void child_kill(const struct child *c);

/* It is dead (or waited for): how it ended; its descriptors are closed. */
void child_reap(struct child *c, siginfo_t *info);

/* Its socket takes more, or not: what epoll looks for.  events: EPOLLIN, EPOLLOUT */
void child_watch(const struct master *m, const struct child *c,
    uint64_t sock_tag, uint32_t events);

/* How long to wait before the next one when so many in a row have failed: 0 to 30000 ms. */
uint64_t child_backoff_ms(unsigned faults);

#endif
