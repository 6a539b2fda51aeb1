/*
 * supervise - the process table: a worker in every slot, for ever.
 *
 *	DOWN -> STARTING	forked, SETUP sent
 *	STARTING -> UP		READY
 *	STARTING, UP -> DOWN	dead (pidfd)
 *	any -> QUIT		the server stops
 *
 * Order of a death: socket closed with what is unread in it; the slot's
 * section counter even, interest bits, asleep, readers 0; its seats free; its
 * streams ended,
 * everybody woken, takeovers settled (streams_owner_died); what it pulled given
 * to others (pulls_worker_died); then the successor.
 *
 * A slot is restarted at once.  Only deaths by the worker's own fault (SEGV,
 * ABRT, BUS, SYS, another signal of the CPU, an exit that nobody asked for, a
 * broken message) and not kill -9 from outside make it wait: the first still
 * not, then 50 ms doubling to 5 s, until a worker has lived a minute.  The
 * listeners stay open.
 *
 * Watchdog: a worker whose loop counter stands still over 4 ticks of a quarter
 * of WatchdogTime is killed; a sleeping one is woken each tick to show itself.
 * Ticks are counted, not time: a master that was stopped kills nobody.
 */
#ifndef MASTER_SUPERVISE_H
#define MASTER_SUPERVISE_H

#include <stdint.h>

struct master;

enum { EXIT_CONFIG = 78, EXIT_SERVER = 70 };

/* Fork the first worker of every slot.  Returns 0 or -errno. */
int supervise_start(struct master *m);

/* A worker's pidfd is readable. */
void supervise_death(struct master *m, unsigned slot);

/* A worker's socket has messages, or takes more. */
void supervise_socket(struct master *m, unsigned slot, uint32_t events);

/* The same of its talk (common/talk.h). */
void supervise_talk(struct master *m, unsigned slot, uint32_t events);

/* Restarts that are due, watchdog.  Returns when to be called again (ns). */
uint64_t supervise_tick(struct master *m, uint64_t now_ns);

/* Ask all workers to quit; after 5 s, or when called again, kill them. */
void supervise_stop(struct master *m, int exit_status);

/* Worker processes that exist. */
unsigned supervise_count(const struct master *m);

#endif
