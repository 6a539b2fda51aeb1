/*
 * cidr - a list of addresses as it stands in the configuration:
 *
 *	192.0.2.7, 198.51.100.0/24, 2001:db8::/32, local, all
 *
 * between commas; "local" is this machine's own addresses, "all" is everybody.
 * The text itself is the list: it is short, and read only to decide.
 * Context: any.
 */
#ifndef COMMON_CIDR_H
#define COMMON_CIDR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"

/* Returns 0, or -1 with what was expected in err. */
int cidr_list_check(const char *list, char *err, size_t errlen);

/*
 * Does the list name the address?  a: NULL, unknown, only "all" is meant.
 * local: it is one of this machine's own.
 */
bool cidr_list_has(const char *list, const struct addr *a, bool local);

/* Is everybody meant?  (The list has "all".) */
bool cidr_list_has_all(const char *list);

#endif
