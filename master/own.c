#include "config.h"

#include <ifaddrs.h>
#include <stdlib.h>

#include "master/own.h"

enum { AGE_MS = 1000 };

void
own_refresh(struct own *o, struct mono now)
{
	struct ifaddrs *list;
	if (o->looked.ns != 0 && mono_ms_since(o->looked, now) < AGE_MS)
		return;
	o->looked = now;
	if (o->addr == NULL)
		o->addr = calloc(OWN_MAX, sizeof *o->addr);
	if (o->addr == NULL || getifaddrs(&list) != 0)
		return;
	struct addr none = { { 0 } };
	o->n = 0;
	for (struct ifaddrs *i = list; i != NULL && o->n < OWN_MAX;
	     i = i->ifa_next) {
		struct addr a;
		if (i->ifa_addr == NULL)
			continue;
		addr_from_sockaddr(i->ifa_addr, &a);
		if (!addr_equal(&a, &none))
			o->addr[o->n++] = a;
	}
	freeifaddrs(list);
}

void
own_free(struct own *o)
{
	free(o->addr);
	*o = (struct own){ 0 };
}

bool
own_has(const struct own *o, const struct addr *a)
{
	if (addr_is_loopback(a))
		return true;
	for (unsigned i = 0; i < o->n; i++)
		if (addr_equal(&o->addr[i], a))
			return true;
	return false;
}
