/*
 * control - the control socket RUN/control.sock (SOCK_SEQPACKET, mode 0660):
 * who may open it may ask.  One JSON request per packet, one JSON answer per
 * packet; commands are in common/ctl_cmds.def.  Never blocks: a client that
 * does not read its answer is dropped, and so is the longest silent one when
 * there are too many.
 *
 * Called by run.c, in the main thread.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include <jansson.h>
#include <stdint.h>

#define CONTROL_GROUP "sluice" /* of the socket, if root starts and it exists */

enum {
	CONTROL_CLIENTS = 16,
	CONTROL_REQUEST_MAX = 4096,
	CONTROL_ANSWER_MAX = 32768
};

struct master;
struct control_socket;

/*
 * Open RUN/control.sock and watch it; epoll data of its events is
 * tag | index.
 * Returns NULL and -errno in *err.
 */
struct control_socket *control_open(
    const char *run, int epoll_fd, uint64_t tag, int *err);

void control_close(struct control_socket *c, const char *run);

/* Index of an event: a new client, or a packet. */
void control_event(struct master *m, uint32_t index);

/* An answer {"ok": false, "error": why}. */
static inline json_t *
control_refusal(const char *why)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", why);
}

#endif
