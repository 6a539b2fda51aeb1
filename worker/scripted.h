/*
 * scripted - clients of applications that have a script: the script is asked, by way
 * of the master (common/talk.h), whether they are let in; it gets their calls, and
 * they get its.
 * Context: the worker's thread, outside sections.
 */
#ifndef WORKER_SCRIPTED_H
#define WORKER_SCRIPTED_H

#include "worker/guest.h"

enum { SCRIPTED_POLL = 2 }; /* index of LOOP_POLL events: see link.h */

/* fd: the worker's end of the talk.  Returns 0 or -ENOMEM. */
int scripted_init(struct worker *w, int fd);
void scripted_fini(struct worker *w);

/* Is a script asked about clients of that application? */
bool scripted_asks(const struct conf_vhost *v, const struct conf_app *app);

/* Ask about g, which becomes ASKED. */
void scripted_ask(struct worker *w, struct guest *g);

/* A command of g, which is IN: a call, or the answer to one. */
void scripted_call(struct worker *w, struct guest *g, const struct cmd *cmd);

/* g is gone. */
void scripted_leave(struct worker *w, struct guest *g);

/* The talk can be read: scripted_turn() does.  more: it is watched still. */
void scripted_event(struct worker *w, bool more);

/*
 * After the events of a turn: some of what the master says; and it hears what did not
 * fit before, and who is gone.
 */
void scripted_turn(struct worker *w);

/* Once per TICK_MS: clients that end while they wait. */
void scripted_tick(struct worker *w);

/* The master is gone: refuse those who wait for an answer. */
void scripted_orphan(struct worker *w);

#endif
