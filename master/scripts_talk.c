/* The talk with workers (common/talk.h): see scripts_clients.h. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/master.h"
#include "master/scripts.h"
#include "master/scripts_clients.h"

enum { AT_ONCE = 64, HEAD = TALK_MAX - TALK_TEXT_MAX };

static void
watch(struct master *m, unsigned slot, int op)
{
	const struct slot_state *s = &m->slot[slot];
	struct epoll_event e = { .events = EPOLLIN,
		.data.u64 =
		    proc_tag(PROC_EVENT_TALK, slot, s->proc.incarnation) };
	if (talk_waits(&s->talk))
		e.events |= EPOLLOUT;
	(void)epoll_ctl(m->env.epoll_fd, op, s->talk.fd, &e);
}

int
scripts_worker_open(struct master *m, unsigned slot, int *fd)
{
	int sv[2];
	m->slot[slot].talk.fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, sv) != 0)
		return -errno;
	talk_open(&m->slot[slot].talk, sv[0]);
	watch(m, slot, EPOLL_CTL_ADD);
	*fd = sv[1];
	return 0;
}

void
scripts_worker_died(struct master *m, unsigned slot)
{
	struct client *c, *after;
	if (m->slot[slot].talk.fd < 0)
		return;
	talk_close(&m->slot[slot].talk); /* what it said unread */
	for (struct script *s = m->scripts->list; s != NULL; s = s->next)
		for (c = TAILQ_FIRST(&s->clients); c != NULL; c = after) {
			after = TAILQ_NEXT(c, next);
			if (c->slot == slot)
				scripts_client_end(m, c);
		}
}

/* May it be lost?  An answer must not, or somebody waits for ever. */
static bool
matters(enum talk_kind kind)
{
	return kind != TALK_INVOKE && kind != TALK_BROADCAST;
}

/*
 * What is too long to be said is said without what makes it so: numbers of a script may
 * be longer here than where they come from.
 */
static struct talk
shortened(const struct talk *t)
{
	struct talk s = *t;
	if (t->kind == TALK_RETURN) {
		s.kind = TALK_FAIL;
		s.field[0] = span_of("the method's value is too long");
	} else if (t->kind == TALK_REJECT || t->kind == TALK_REDIRECT) {
		s.field[1] = span_of("");
	}
	return s;
}

static int
say(struct talk_link *l, const struct talk *t)
{
	if (!matters(t->kind))
		return talk_offer(l, t);
	int r = talk_send(l, t);
	if (r != -EMSGSIZE)
		return r;
	struct talk s = shortened(t);
	return talk_send(l, &s);
}

bool
scripts_talk_full(const struct master *m, unsigned slot)
{
	return m->slot[slot].talk.bytes > TALK_QUEUE / 2;
}

void
scripts_say(struct master *m, unsigned slot, const struct talk *t)
{
	struct slot_state *s = &m->slot[slot];
	if (s->proc.pid == 0 || s->talk.fd < 0 || s->proc.why != PROC_ALIVE)
		return;
	bool waited = talk_waits(&s->talk);
	int r = say(&s->talk, t);
	if (r != 0 && matters(t->kind))
		proc_kill(&s->proc, PROC_QUEUE_FULL);
	if (waited != talk_waits(&s->talk))
		watch(m, slot, EPOLL_CTL_MOD);
}

static int
take(struct master *m, unsigned slot, const struct talk *t)
{
	if (t->kind == TALK_CONNECT)
		scripts_client_asks(m, slot, t);
	else if (t->kind == TALK_CALL)
		scripts_client_calls(m, slot, t);
	else if (t->kind == TALK_RESULT)
		scripts_client_returns(m, slot, t);
	else
		return -EPROTO;
	return 0;
}

/* At most so many.  Returns 0 or -EPROTO. */
static int
read_talk(struct master *m, unsigned slot, unsigned most)
{
	static char buf[TALK_MAX];
	struct talk_link *l = &m->slot[slot].talk;
	struct talk t;
	int r = 0;
	for (unsigned i = 0; i < most && r == 0 && l->fd >= 0; i++) {
		int n = talk_recv(l, buf, &t);
		if (n == -EPROTO)
			return n;
		if (n <= 0) {
			/* at its end the other socket tells the rest */
			if (n != -EAGAIN)
				(void)epoll_ctl(m->env.epoll_fd, EPOLL_CTL_DEL,
				    l->fd, NULL);
			return 0;
		}
		r = take(m, slot, &t);
	}
	explicit_bzero(buf, sizeof buf);
	return r;
}

int
scripts_worker_event(struct master *m, unsigned slot, uint32_t events)
{
	struct talk_link *l = &m->slot[slot].talk;
	if (l->fd < 0)
		return 0;
	if (events & EPOLLOUT) {
		(void)talk_flush(l);
		watch(m, slot, EPOLL_CTL_MOD);
	}
	return events & (EPOLLIN | EPOLLHUP | EPOLLERR)
		   ? read_talk(m, slot, AT_ONCE)
		   : 0;
}

/* Messages that have come by now, at most: one that goes on is not waited for. */
static unsigned
unread(const struct talk_link *l)
{
	int bytes = 0;
	if (l->fd < 0 || ioctl(l->fd, FIONREAD, &bytes) != 0 || bytes < 0)
		return 0;
	return (unsigned)bytes / HEAD;
}

void
scripts_client_gone(struct master *m, unsigned slot, uint64_t id)
{
	struct client *c = scripts_client(m, id);
	/* it was said after its CONNECT, which may be unread yet */
	if (c == NULL && read_talk(m, slot, unread(&m->slot[slot].talk)) == 0)
		c = scripts_client(m, id);
	if (c != NULL && c->slot == slot)
		scripts_client_end(m, c);
}
