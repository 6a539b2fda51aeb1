/* answer - what verbs do alike with what the master says, and what they print. */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include <jansson.h>

#include "ctl/output.h"
#include "ctl/verb.h"

/*
 * All rows that a command of the master has (common/ctl_cmds.def), packet by packet.
 *
 * member	of the answer that holds them
 * rows		an array; they are added to it
 * Returns	CTL_DONE, or what went wrong with its text in err
 */
enum ctl_exit answer_rows(const char *run, const char *command,
    const char *member, json_t *rows, char *err, size_t errlen);

/* Complain on standard error; returns rc. */
enum ctl_exit answer_failed(enum ctl_exit rc, const char *err);

/* Print doc, as JSON if that is wanted; it stays the caller's. */
enum ctl_exit answer_show(
    const struct ctl *c, const struct view *v, const json_t *doc);

#endif
