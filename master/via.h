/*
 * via - the servers that the players of one name came through, as node ids: who
 * pulls tells them to the next server, and a server that finds itself among
 * them refuses.  A worker says them of each player that came by others than those
 * before; they stay until nobody there wants the name any more.
 *
 * Pure: no I/O, no allocation.
 */
#ifndef MASTER_VIA_H
#define MASTER_VIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc.h"

enum { VIA_MAX = 16, VIA_DIGITS = 16 };
_Static_assert(
    VIA_MAX *(VIA_DIGITS + 1) <= IPC_VIA_MAX, "room for all of them");

struct via {
	uint32_t n;
	uint64_t id[VIA_MAX];
	uint64_t slots[VIA_MAX]; /* whose players came through it */
};

/*
 * Read "id,id,...", 16 hexadecimal digits each; "" is none.
 * Returns how many, or -EPROTO.
 */
int via_parse(const char *text, size_t len, uint64_t id[VIA_MAX]);

/*
 * A player of a slot came through these, too.  More than VIA_MAX in all are left
 * out: the next server counts its own, and refuses the seventeenth.
 * Returns whether there is an id that was not there.
 */
bool via_add(struct via *v, unsigned slot, const uint64_t *id, unsigned n);

/* No player of the slot is left. */
void via_leave(struct via *v, unsigned slot);

/* Write the ids as text.  Returns its bytes; no NUL. */
size_t via_print(const struct via *v, char text[IPC_VIA_MAX]);

#endif
