/*
 * proc - one worker process: fork and exec, its end of the message socket, its
 * outgoing queue, its pidfd.  What a death means is supervise.c's.
 *
 * Queues are bounded and nothing blocks: what cannot be queued fails, and the
 * caller undoes and kills (architecture rule 15).  After proc_kill() nothing
 * that the process sends counts any more; it is gone when its pidfd says so.
 */
#ifndef MASTER_PROC_H
#define MASTER_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/ipc.h"

enum { PROC_QUEUE = 64 };

/* Why the master killed a worker; stable names in proc_why_name(). */
enum proc_why {
	PROC_ALIVE, /* it did not */
	PROC_STUCK,
	PROC_PROTOCOL,
	PROC_QUEUE_FULL,
	PROC_LOST, /* closed its socket and did not end */
	PROC_STOP
};

struct proc {
	pid_t pid; /* 0: no process */
	int pidfd, sock;
	unsigned slot;
	uint64_t incarnation;
	bool ready, eof;
	enum proc_why why;
	uint64_t start_ns, ready_ns, eof_ns;
	unsigned qhead, qlen;
	struct ipc_msg queue[PROC_QUEUE];
};

/* What every worker of one server has in common. */
struct proc_env {
	char path[512]; /* sluice-worker */
	char oom[16];	/* its oom_score_adj */
	int epoll_fd, log_fd;
};

/*
 * Find sluice-worker: $SLUICE_LIBEXECDIR, ../libexec/sluice beside this
 * program's directory, this program's directory.
 * Returns 0, or -1 with what was tried in err.
 */
int proc_find(struct proc_env *env, char *err, size_t errlen);

/*
 * Start a process in *p (zero, slot and incarnation set) and queue `setup`
 * with fds for it.  Returns 0 or -errno.
 */
int proc_spawn(const struct proc_env *env, struct proc *p,
    const struct ipc_msg *setup, const int *fds, unsigned nfds);

/* Send or queue m.  Returns 0, or -errno: it never will arrive. */
int proc_send(
    const struct proc_env *env, struct proc *p, const struct ipc_msg *m);

/* The socket takes more: send what waits.  Returns 0 or -errno. */
int proc_flush(const struct proc_env *env, struct proc *p);

/* The peer closed its end: stop listening to it. */
void proc_at_eof(const struct proc_env *env, struct proc *p, uint64_t now_ns);

void proc_kill(struct proc *p, enum proc_why why);

/*
 * After the pidfd became readable: take the status (of waitid) and close
 * everything, unread messages with it.
 */
void proc_reap(
    const struct proc_env *env, struct proc *p, int *code, int *status);

const char *proc_why_name(enum proc_why why);

/* epoll data: what, which slot, which incarnation. */
enum proc_event {
	PROC_EVENT_PIDFD = 1,
	PROC_EVENT_SOCK = 2,
	PROC_EVENT_TALK = 16
};

static inline uint64_t
proc_tag(enum proc_event e, unsigned slot, uint64_t incarnation)
{
	return (uint64_t)e << 56 | (uint64_t)slot << 48 |
	       (incarnation & UINT64_C(0xffffffffffff));
}

/*
 * How long to wait before the next start when so many in a row have failed: 0 after the
 * first, then min_ms, doubling to max_ms.
 */
uint64_t respawn_ms(unsigned faults, uint64_t min_ms, uint64_t max_ms);

#endif
