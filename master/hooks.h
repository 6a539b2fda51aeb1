/*
 * hooks - callbacks: clients of applications that have any (Callbacks in
 * Application.xml), what they do, and the questions and news about them, which
 * sluice-callback sends by HTTP (common/hooks.h).
 *
 *	PUBLISH, PLAY	-> asked, if there is anybody to ask; only that client waits
 *	GRANT, ADMIT	-> updates from now on
 *	DONE		-> on_publish_done, on_play_done
 *	CLIENT, GONE	-> known, on_disconnect
 *
 * There is one process of sluice-callback, from the first application with callbacks on:
 *
 *	NONE -> RUNS	at start
 *	RUNS -> WAITS	it died, or was killed because an answer was late: all
 *			that it was asked has failed
 *	WAITS -> RUNS	after 0 s, then 0.1 s doubling to 30 s
 *	RUNS -> NONE	the server stops, when all workers are gone
 *
 * What has failed is refused, or allowed with Callbacks/Fail open.
 * Context: the main thread.
 */
#ifndef MASTER_HOOKS_H
#define MASTER_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/hooks.h"
#include "common/ipc.h"

struct master;
struct hooks;

/* NULL: no memory.  Context: start. */
struct hooks *hooks_new(void);
/* Kills what runs. */
void hooks_free(struct master *m);

/* Start the process, if an application has callbacks. */
void hooks_start(struct master *m);

/* The data of an epoll event: is it of hooks?  Then it is dealt with. */
bool hooks_event(struct master *m, uint64_t tag, uint32_t events);

/* What is due.  Returns when to be called again (ns). */
uint64_t hooks_tick(struct master *m, uint64_t now_ns);

/* Processes that exist. */
unsigned hooks_count(const struct master *m);

/*
 * CLIENT, DONE or GONE of the worker of a slot.
 * Returns 0, or -EPROTO: malformed, the caller kills the worker.
 */
int hooks_message(struct master *m, unsigned slot, const struct ipc_msg *msg);

/* The worker of a slot is dead, and all its clients with it. */
void hooks_worker_died(struct master *m, unsigned slot, uint64_t incarnation);

/*
 * For streams_gate(): ask about PUBLISH, PLAY, and know what was granted; that goes on
 * until DONE.
 */
struct streams_gate;
extern const struct streams_gate hooks_gate;

#endif
