/*
 * run - the loop of the master: signals, deaths, messages, the control
 * socket, time.  Deaths of a batch are handled before its messages
 * (architecture rule 15).
 */
#ifndef MASTER_RUN_H
#define MASTER_RUN_H

#include <stdint.h>

struct master;

/* Block the signals that are read in the loop.  Context: before threads. */
void run_block_signals(void);

/*
 * Make the epoll instance (m->env.epoll_fd) and the control socket.
 * Returns 0 or -errno.
 */
int run_open(struct master *m);

/* Serve until all workers have stopped. */
void run(struct master *m);

void run_close(struct master *m);

#endif
