/*
 * user - the user that workers become.  Called by main, at start.
 */
#ifndef MASTER_USER_H
#define MASTER_USER_H

#include <stdint.h>

/* Which parameter is wrong. */
enum user_fault { USER_OK, USER_NO_UID, USER_NO_GID };

/*
 * uid, gid	names or numbers; "" and "-1" the default: user sluice if it
 *		exists, else nobody, and its group
 * Sets *u and *g; both UINT32_MAX (stay) when not started as root.
 */
enum user_fault user_find(
    const char *uid, const char *gid, uint32_t *u, uint32_t *g);

#endif
