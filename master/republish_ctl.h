/*
 * republish_ctl - commands of the control socket about targets that are declared.
 * Called by control.c.
 */
#ifndef MASTER_REPUBLISH_CTL_H
#define MASTER_REPUBLISH_CTL_H

#include <jansson.h>

struct master;

/* What there is, from place `after` on: next is where to go on, or null. */
json_t *republish_ctl_list(struct master *m, const json_t *req);

/*
 * One more: app, url; maybe vhost, stream, if, keyfile (absolute), buffer (text,
 * seconds).  Answered with its id.
 */
json_t *republish_ctl_add(struct master *m, const json_t *req);

/* Take one away (id). */
json_t *republish_ctl_remove(struct master *m, const json_t *req);

/* Read the files again. */
json_t *republish_ctl_reload(struct master *m);

#endif
