/*
 * fakenet - worker/resolve.h and worker/dial.h without a network: who is looked for
 * waits until the test answers; nothing is called back before.
 */
#ifndef FUZZ_FAKENET_H
#define FUZZ_FAKENET_H

#include "worker/dial.h"
#include "worker/resolve.h"

/* How many names are asked for, servers dialled, by that worker? */
unsigned fakenet_resolving(const struct worker *w);
unsigned fakenet_dialling(const struct worker *w);

/*
 * Answer the one that waits longest.  a, fd: what was found, or NULL, -1 and why
 * not.  False: nobody waits
 */
bool fakenet_resolve(struct worker *w, const struct addr *a, const char *why);
bool fakenet_dial(struct worker *w, int fd, const char *why);

#endif
