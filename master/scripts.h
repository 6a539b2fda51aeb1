/*
 * scripts - the processes that run the scripts of applications (sluice-script),
 * one for each application of a virtual host that has one: main.asc or the like (scripts_in()).
 *
 *	NONE -> RUNS		a stream of the application begins; LoadOnStartup
 *	RUNS -> WAITS		dead; a hung one was told about by itself
 *	WAITS -> RUNS		after 0 s, then 0.1 s doubling to 30 s
 *	RUNS -> NONE		no instance is left (MaxAppIdleTime), by hand,
 *				or the server stops; nothing is live after WAITS
 *
 * A new process is told of every instance with live streams and of those streams,
 * so nothing about them is kept here, but for streams that a process has died of:
 * see scripts_blame.c.  Its messages are common/proto.h.  It runs as
 * the user of the workers, and nothing that it does can hold up anybody: what it
 * does not read is bounded, then it is killed; so is one that does not answer.
 * Context: the main thread.
 */
#ifndef MASTER_SCRIPTS_H
#define MASTER_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/reason.h"

struct master;
struct scripts;

enum { SCRIPT_PATH = 512 };

/*
 * The script in the directory of an application: main.asc, APP.asc, main.js,
 * scripts/main.asc or scripts/APP.asc, the first that is there.  False: there is
 * none, or its path is too long.  Context: start, too.
 */
bool scripts_in(const char *dir, const char *app, char path[SCRIPT_PATH]);

/* NULL: no memory.  Context: start. */
struct scripts *scripts_new(void);
/* Kills what runs. */
void scripts_free(struct master *m);

/* For streams_watch(). */
void scripts_stream(struct master *m, bool live, const char *key, size_t keylen,
    uint64_t client);

/* For streams_watch(): REASON_SCRIPT_FAULT if the script has died of that name. */
enum reason scripts_veto(
    struct master *m, const char *key, size_t keylen, char *text);

/*
 * A worker is started in that slot: *fd becomes its end of a talk (common/talk.h),
 * to be closed by the caller.  Returns 0 or -errno.
 */
int scripts_worker_open(struct master *m, unsigned slot, int *fd);

/* It is dead: its clients are gone. */
void scripts_worker_died(struct master *m, unsigned slot);

/* Its talk may be read, or takes more.  Returns 0 or -EPROTO. */
int scripts_worker_event(struct master *m, unsigned slot, uint32_t events);

/* LEFT of ipc.h. */
void scripts_client_gone(struct master *m, unsigned slot, uint64_t client);

/* The data of an epoll event: is it of a script?  Then it is dealt with. */
bool scripts_event(struct master *m, uint64_t tag, uint32_t events);

/* Restarts that are due.  Returns when to be called again (ns). */
uint64_t scripts_tick(struct master *m, uint64_t now_ns);

/* The server stops: onAppStop everywhere; they are killed after 2 s. */
void scripts_stop(struct master *m);

/* Processes that exist. */
unsigned scripts_count(const struct master *m);

#endif
