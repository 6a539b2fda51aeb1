/*
 * link - the script's end of its socket pair with the master (proto.h): whole
 * messages; what the master does not take at once waits here, bounded.
 * Context: sluice-script, one thread.
 */
#ifndef SCRIPT_LINK_H
#define SCRIPT_LINK_H

#include <stdbool.h>
#include <stddef.h>

enum { LINK_QUEUE_BYTES = 16 << 20 };

struct link_piece;

struct link {
	int fd;
	struct link_piece *first, **last;
	size_t bytes; /* that wait */
};

void link_init(struct link *l, int fd);
void link_fini(struct link *l);

/*
 * Send len bytes, now or later, in order.
 * Returns	0, or -EMSGSIZE: more than PROTO_MAX; -ENOBUFS: too much waits
 *		already; -ENOMEM
 */
int link_send(struct link *l, const char *text, size_t len);

/* Send what waits, as far as it goes.  Returns 0, or -errno: the master is gone. */
int link_flush(struct link *l);

static inline bool
link_waits(const struct link *l)
{
	return l->first != NULL;
}

/*
 * Receive a message into buf (PROTO_MAX bytes).
 * Returns its length, -EAGAIN, or 0 or -errno: the master is gone.
 */
long link_recv(struct link *l, char *buf);

#endif
