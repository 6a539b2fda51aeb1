/*
 * hook - what the master is told about clients of applications with callbacks
 * (conf_has_hooks(), master/hooks.h): who they are, and what ends.
 *
 * Where the link is busy an end is not said: the master finds out by itself after a while.
 * Context: the worker's thread.
 */
#ifndef WORKER_HOOK_H
#define WORKER_HOOK_H

#include "worker/session.h"

/*
 * c has come into its application: tell who it is, if that has callbacks.
 * args		behind the question mark of what it asked for
 * Returns	false: that cannot be said now, so it must not be let in
 */
bool hook_client(struct worker *w, struct conn *c, const struct cmd_connect *cc,
    struct span args);

/* The same of a virtual client; nothing of others. */
struct guest;
bool hook_guest(struct worker *w, struct guest *g);
void hook_guest_gone(struct worker *w, struct guest *g);

/* c is gone. */
void hook_gone(struct worker *w, struct conn *c);

/*
 * Fill in what callbacks are told of the question about ns with `request`; shown:
 * behind the question mark of its name, play: NULL for publish.
 * Returns	false: that is too long
 */
bool hook_question(struct worker *w, struct conn *c, struct netstream *ns,
    uint64_t request, const struct cmd_play *play, struct ipc_publish *p);

/* The master has refused what was asked about ns. */
void hook_refused(struct netstream *ns);

/* What was asked about ns is over, answered or not. */
void hook_done(struct worker *w, struct conn *c, struct netstream *ns);

/* RENAME: ns of c, about which that request was, has another name.  May end c. */
void hook_rename(struct worker *w, struct conn *c, struct netstream *ns,
    const struct ipc_rename *r);

#endif
