/*
 * named - servers that only clients have named: without ExplicitHosts a worker goes to
 * NAMED_MAX of them at a time, for streams in both directions and for clients together,
 * with a connection or between two tries.
 * Context: the worker's thread.
 */
#ifndef WORKER_NAMED_H
#define WORKER_NAMED_H

#include "worker/ways.h"

enum { NAMED_MAX = 16 };

struct named {
	const char *hop[NAMED_MAX + WAYS_MAX];
	unsigned n;
};

/* Those of ways that clients have named and that are new, while there is room. */
void named_add(struct named *s, const struct conf_vhost *v,
    const struct way *ways, unsigned n);

/* The same of one hop. */
void named_add_hop(
    struct named *s, const struct conf_vhost *v, const char *hop);

/* May this worker go there? */
bool named_admit(struct worker *w, const struct conf_vhost *v,
    const struct way *ways, unsigned n);

/* Those in use: pull.c, pushnew.c, uplink.c. */
void pull_named(struct worker *w, struct named *s);
void push_named(struct worker *w, struct named *s);
void uplink_named(struct worker *w, struct named *s);

#endif
