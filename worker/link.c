#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/link.h"
#include "worker/loop.h"

enum { QUEUE_MAX = 4096 };

struct link {
	int fd;
	link_fn *fn;
	uint64_t request;
	struct ipc_msg *queue;
	unsigned n;
};

int
link_init(struct worker *w, int fd, link_fn *fn)
{
	struct link *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	l->fd = fd;
	l->fn = fn;
	l->queue = malloc(QUEUE_MAX * sizeof *l->queue);
	if (l->queue == NULL) {
		free(l);
		return -ENOMEM;
	}
	w->link = l;
	loop_poll(w->loop, fd, LINK_POLL);
	return 0;
}

void
link_fini(struct worker *w)
{
	free(w->link->queue);
	free(w->link);
	w->link = NULL;
}

int
link_setup(int fd, struct ipc_msg *m, int *fds, unsigned *nfds)
{
	for (;;) {
		int r = ipc_recv(fd, m, fds, nfds);
		if (r != -EAGAIN)
			return r == 1 && m->kind != IPC_SETUP ? -EPROTO : r;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
}

static void
lost(struct worker *w, int r)
{
	if (w->orphan)
		return;
	w->orphan = true;
	LOG(master_lost, .worker = w->self,
	    .text = r == 0 ? "the master ended; clients are served to the end, "
			     "no new ones are taken"
			   : "the socket to the master broke");
}

void
link_event(struct worker *w)
{
	struct ipc_msg m;
	int r;
	while (!w->orphan &&
	       (r = ipc_recv(w->link->fd, &m, NULL, NULL)) != -EAGAIN) {
		if (r != 1)
			lost(w, r);
		else if (m.incarnation != w->incarnation)
			worker_count(w, COUNTER_IPC_DROPPED, 1);
		else
			w->link->fn(w, &m);
	}
	link_flush(w);
}

void
link_flush(struct worker *w)
{
	struct link *l = w->link;
	unsigned done = 0;
	while (done < l->n && !w->orphan) {
		int r = ipc_send(l->fd, &l->queue[done], NULL, 0);
		if (r == -EAGAIN)
			break;
		if (r != 0)
			lost(w, r);
		done++;
	}
	if (w->orphan)
		done = l->n;
	if (done == 0)
		return;
	l->n -= done;
	memmove(l->queue, l->queue + done, l->n * sizeof *l->queue);
	for (unsigned i = l->n; i < l->n + done; i++)
		ipc_wipe(&l->queue[i]);
}

void
link_send(struct worker *w, struct ipc_msg *m)
{
	struct link *l = w->link;
	if (w->orphan)
		return;
	m->incarnation = w->incarnation;
	if (l->n == QUEUE_MAX) {
		/* a master this far behind hears nothing any more */
		lost(w, -ENOBUFS);
		return;
	}
	l->queue[l->n++] = *m;
	link_flush(w);
}

bool
link_busy(const struct worker *w)
{
	return w->link->n > QUEUE_MAX / 2;
}

uint64_t
link_request(struct worker *w)
{
	return ++w->link->request;
}
