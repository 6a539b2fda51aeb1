/*
 * attach - sluicectl's connection to a running server: the control socket, and
 * the server's shared memory mapped read-only.
 *
 * The master hands over the descriptors in one answer; from then on nobody is
 * asked, so what is read is right while every worker is stopped.
 */
#ifndef CTL_ATTACH_H
#define CTL_ATTACH_H

#include <jansson.h>

#include "shm/arena.h"

enum ctl_exit { CTL_DONE, CTL_REFUSED, CTL_USAGE, CTL_NO_MASTER };

struct attach {
	struct arena arena;
	json_t *hello; /* the master's answer */
	int control_fd, slot_fd[SLOTS_MAX];
	unsigned nslots;
};

/*
 * Attach to the server whose run directory is `run`.
 *
 * at		filled in on CTL_DONE; give it back with attach_close()
 * err		else one or more lines for people, without the last newline
 * Returns	CTL_DONE, CTL_REFUSED or CTL_NO_MASTER
 * Context	blocks for at most a few seconds
 */
enum ctl_exit attach_open(
    struct attach *at, const char *run, char *err, size_t errlen);

void attach_close(struct attach *at);

/*
 * Send a request {"command": ...} to the server whose run directory is `run`
 * (the reference is taken), and wait for its answer.
 *
 * answer	on CTL_DONE a new reference to an object with "ok": true
 * err		else as in attach_open()
 * Returns	CTL_DONE, CTL_REFUSED or CTL_NO_MASTER
 * Context	blocks for at most a few seconds
 */
enum ctl_exit attach_ask(const char *run, json_t *request, json_t **answer,
    char *err, size_t errlen);

#endif
