/*
 * welcome - what a client is answered to its connect, on its own connection.
 * Context: the worker's thread.
 */
#ifndef WORKER_WELCOME_H
#define WORKER_WELCOME_H

#include "worker/entrance.h"
#include "worker/session.h"

#define FMS_VERSION "5,0,17,0" /* what clients compare their features with */

/* What is said to every client of ours; txn is of its connect. */
void welcome_result(struct worker *w, const struct cmd_connect *cc, bool node,
    char node_text[17], struct cmd_connect_result *r);

/*
 * It is let in: NetConnection.Connect.Success, and a line in the log.
 *
 * cc	its connect; of s prefix and amf3 are set, edge and tree too
 */
void welcome_accept(
    struct worker *w, struct conn *c, const struct cmd_connect *cc);

/*
 * It is not: why, in words of the caller's, or "" for those of the reason.  The
 * connection is to be closed for that reason.
 */
void welcome_reject(struct worker *w, struct conn *c, double txn,
    const struct conf_vhost *v, enum reason why, const char *words);

/* The same with an information object as another server sent it (AMF0). */
void welcome_reject_raw(
    struct worker *w, struct conn *c, double txn, struct span info);

/* "[ Server.Reject ] : (_defaultRoot_, VHOST) : ..." */
void welcome_words(const struct conf_vhost *v, enum reason why,
    const char *words, char text[320]);

#endif
