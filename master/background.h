/*
 * background - become a daemon; the command returns when the server is ready,
 * or with its fault.  Until then stderr is kept in memory (a memfd) and shown
 * by the command; afterwards it is /dev/null.  Called by main.
 */
#ifndef MASTER_BACKGROUND_H
#define MASTER_BACKGROUND_H

/*
 * Fork.  Returns in the child, with a descriptor for background_ready(); or
 * -errno.  The parent waits and exits: 0 when ready, else as the child does.
 */
int background_begin(void);

/* The server is ready: let the command return.  fd is closed. */
void background_ready(int fd);

/* Open what is closed of stdin, stdout and stderr. */
void background_stdio(void);

#endif
