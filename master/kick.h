/*
 * kick - what operators do to clients and publishers: end a connection, and
 * refuse an address or a stream's name for a while.  Bans live as long as the
 * master; workers have copies of the addresses (IPC_BAN), names are judged
 * here.
 *
 * Requests and answers are JSON of the control socket (common/ctl_cmds.def).
 * Context: the main thread.
 */
#ifndef MASTER_KICK_H
#define MASTER_KICK_H

#include <jansson.h>
#include <stddef.h>

#include "common/clock.h"

struct master;
struct kick;

enum { KICK_NAMES_MAX = 256, KICK_SECONDS_MAX = 365 * 86400 };

/* NULL: out of memory.  Context: start. */
struct kick *kick_new(void);
void kick_free(struct kick *k);

/* {"client": id, "for_s": seconds} */
json_t *kick_client(struct master *m, const json_t *req);
/* {"vhost", "app", "instance", "stream", "for_s": seconds} */
json_t *kick_stream(struct master *m, const json_t *req);
/* {"ok": true, "bans": [{"kind", "what", "seconds_left"}]} */
json_t *kick_bans(struct master *m);
/* {"what": as in bans} */
json_t *kick_unban(struct master *m, const json_t *req);

/* When the ban of a stream's name ends, .ns 0: there is none. */
struct mono kick_name_until(
    const struct master *m, const char *key, size_t keylen);

/* Tell a new worker every ban, before its first client. */
void kick_replay(struct master *m, unsigned slot);

#endif
