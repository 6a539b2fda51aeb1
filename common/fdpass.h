/*
 * fdpass - one packet with descriptors over a SOCK_SEQPACKET or SOCK_DGRAM
 * Unix socket.  Used by ipc.c (master, workers), the control socket and
 * sluicectl.  Never blocks, never raises SIGPIPE.
 */
#ifndef COMMON_FDPASS_H
#define COMMON_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

enum { FDPASS_MAX = 160 }; /* descriptors in one packet */

/*
 * Send len bytes as one packet, with nfds descriptors (they stay the
 * caller's).
 * Returns 0, -EAGAIN when the peer's queue is full, or another -errno.
 */
int fd_send(
    int sock, const void *data, size_t len, const int *fds, unsigned nfds);

/*
 * Receive one packet of at most cap bytes.  Its descriptors (close-on-exec)
 * go to fds, at most max, and are the caller's; their count goes to *nfds.
 * More than max are closed; fds may be NULL (with max 0): then all are.
 * Returns	bytes, 0 at end of file, -EAGAIN when there is nothing,
 *		-EMSGSIZE for a packet larger than cap, or with descriptors that
 *		the kernel could not hand over (all are closed), or another
 *		-errno
 */
ssize_t fd_recv(
    int sock, void *buf, size_t cap, int *fds, unsigned max, unsigned *nfds);

#endif
