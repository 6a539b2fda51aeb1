/*
 * master - what the modules of the master share: one struct, owned by main.
 *
 * Who may call whom: proc | kick | pulls targets | streams | republish | supervise | control | run | main (left
 * never calls right).  One thread; the log writer has its own.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/talk.h"
#include "master/listen.h"
#include "master/proc.h"
#include "shm/arena.h"
#include "shm/section.h"

struct streams;
struct auth;
struct control_socket;
struct hooks;
struct kick;
struct pulls;
struct logw;
struct scripts;
struct targets;
struct republish;

/* A worker slot over its incarnations; supervise.c. */
struct slot_state {
	struct proc proc;
	struct talk_link talk; /* of the process in it; fd -1: none */
	uint64_t deaths;
	unsigned faults;       /* in a row: see supervise.h */
	uint64_t respawn_ns;   /* when to start the next; 0: it runs */
	uint64_t judged_loops; /* watchdog */
	unsigned still_ticks;
};

struct master {
	struct conf *conf; /* of this process until the workers have it too */
	struct arena arena;
	struct arena_fds arena_fds;
	struct listeners listeners;
	struct proc_env env;
	struct slot_state slot[SLOTS_MAX];
	unsigned nslots;
	int eventfd[SLOTS_MAX];
	int conf_fd; /* *conf, sealed */
	int signal_fd;
	uint32_t worker_uid, worker_gid;
	uint64_t next_incarnation;

	struct streams *streams;
	struct control_socket *control;
	struct kick *kick;
	struct pulls *pulls;
	struct scripts *scripts;
	struct hooks *hooks;
	struct targets *targets;
	struct republish *republish;
	struct auth *auth;
	struct logw *log;

	char conf_path[256], run_dir[128], log_path[256];
	char start_time[32];
	bool ready;    /* every slot has been up once */
	bool stopping; /* no worker is started any more */
	uint64_t start_ns, stop_ns, watchdog_ns; /* next judgement */
	int exit_status;			 /* with stopping */
	int ready_fd; /* tell the parent of a daemon; -1 */
};

/* Send to the worker of a slot; if that fails it is killed.  0 or -errno. */
int master_tell(struct master *m, unsigned slot, const struct ipc_msg *msg);

/* Write every slot's eventfd, asleep or not. */
void master_wake_all(const struct master *m);

#endif
