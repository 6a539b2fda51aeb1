/*
 * client - `sluicectl client list`: the rows of all workers.  See list.h for
 * what holds for all lists.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stdint.h>

#include "common/clock.h"
#include "ctl/attach.h"

json_t *client_list(const struct attach *at, struct mono now);

/* Those that are edges below this server, with how many clients came by each. */
json_t *client_edges(const struct attach *at, struct mono now);

/* Address of client id of slot s as a string; null if it has no row. */
json_t *client_addr(const struct attach *at, unsigned s, uint64_t id);

#endif
