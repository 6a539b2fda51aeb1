/*
 * The processes of scripts: starting one, its queue of messages, its end.
 */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/proto.h"
#include "master/child.h"
#include "master/master.h"
#include "master/scripts_own.h"

enum { QUEUE_BYTES = 4 << 20 };

/* Sending. ----------------------------------------------------------------- */

uint64_t
scripts_tag(const struct script *s, unsigned kind)
{
	return (uint64_t)kind << 56 | s->id;
}

static void
watch(struct master *m, const struct script *s, uint32_t events)
{
	child_watch(m, &(struct child){ s->pid, s->pidfd, s->sock },
	    scripts_tag(s, SCRIPT_SOCK), events);
}

void
scripts_kill(struct script *s)
{
	s->killed = true;
	child_kill(&(struct child){ s->pid, s->pidfd, s->sock });
}

static void
drop_first(struct script *s)
{
	struct piece *p = s->first;
	s->first = p->next;
	if (s->first == NULL)
		s->last = &s->first;
	s->waits -= p->len;
	free(p);
}

void
scripts_flush(struct master *m, struct script *s)
{
	while (s->first != NULL) {
		ssize_t n = send(s->sock, s->first->text, s->first->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			watch(m, s, EPOLLIN | EPOLLOUT);
			return;
		}
		if (n < 0) /* its pidfd tells the rest */
			break;
		drop_first(s);
	}
	watch(m, s, EPOLLIN);
}

/* Queue and send, if no more than so many bytes wait then; j is taken. */
static int
send_within(struct master *m, struct script *s, json_t *j, size_t most)
{
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	size_t len = text ? strlen(text) : 0;
	struct piece *p = text ? malloc(sizeof *p + len) : NULL;
	int r = p == NULL		? -ENOMEM
		: len > PROTO_MAX	? -EMSGSIZE
		: s->waits + len > most ? -ENOBUFS
					: 0;
	json_decref(j);
	if (r != 0) {
		free(p);
		free(text);
		return r;
	}
	*p = (struct piece){ NULL, len };
	memcpy(p->text, text, len);
	free(text);
	*s->last = p;
	s->last = &p->next;
	s->waits += len;
	if (s->first == p)
		scripts_flush(m, s);
	return 0;
}

void
scripts_tell(struct master *m, struct script *s, json_t *j)
{
	if (send_within(m, s, j, QUEUE_BYTES) != 0)
		scripts_kill(s); /* it does not read, or we cannot speak */
}

int
scripts_offer(struct master *m, struct script *s, json_t *j)
{
	return send_within(m, s, j, QUEUE_BYTES / 2);
}

/* Starting. ---------------------------------------------------------------- */

int
scripts_fork(struct master *m, struct script *s)
{
	struct child c;
	int r = child_start(m, "sluice-script", scripts_tag(s, SCRIPT_SOCK),
	    scripts_tag(s, SCRIPT_PIDFD), &c);
	if (r != 0)
		return r;
	s->pid = c.pid;
	s->pidfd = c.pidfd;
	s->sock = c.sock;
	return 0;
}

void
scripts_reap(struct script *s, siginfo_t *info)
{
	struct child c = { s->pid, s->pidfd, s->sock };
	child_reap(&c, info);
	s->pid = 0;
	while (s->first != NULL)
		drop_first(s);
}
