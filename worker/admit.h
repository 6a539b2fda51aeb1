/*
 * admit - whether a client may publish or play, as far as a worker knows: asking
 * the master for a play, and what a refused client is told.
 *
 *	ASKED	-> PLAY, IDLE		ADMIT; REFUSE
 *
 * A play that comes round in a circle of servers is refused here.  Where the
 * application lets everybody play nobody is asked.  Players that play
 * already are not asked again.
 * Context: the worker's thread.
 */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "worker/session.h"

/* For struct session_ops: play, after the master's word if that is needed. */
void admit_play(struct worker *w, struct conn *c, struct netstream *ns,
    const struct cmd_play *p);

/* ns, which waits for the master's word about a play, ends. */
void admit_stop(struct worker *w, struct netstream *ns);

/* ADMIT, REFUSE and RENAME.  Returns false: it answers no play. */
bool admit_message(struct worker *w, const struct ipc_msg *m);

/* The master is gone: refuse those who wait for its word. */
void admit_orphan(struct worker *w);

/* Fill in the message about ns: PUBLISH, PLAY.  False: too many keys shown. */
bool admit_question(const struct session *s, const struct conn *c,
    const struct netstream *ns, struct ipc_publish *p);

/*
 * Tell the client that ns is refused; log it.
 * said		the master's words for it; NULL or "": ours
 */
void admit_refuse(struct worker *w, struct conn *c, const struct netstream *ns,
    bool play, enum reason why, const char *said);

#endif
