#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/fdpass.h"
#include "common/ipc.h"

_Static_assert((int)IPC_FDS_MAX == (int)FDPASS_MAX, "the same limit");

/* Bytes of a message: what its kind has of the union, and no more. */
static size_t
size_of(uint32_t kind)
{
	const size_t head = offsetof(struct ipc_msg, u);
	switch ((enum ipc_kind)kind) {
	case IPC_SETUP:
		return head + sizeof(struct ipc_setup);
	case IPC_PUBLISH:
	case IPC_PLAY:
		return head + sizeof(struct ipc_publish);
	case IPC_WANT:
	case IPC_UNWANT:
	case IPC_PULL:
	case IPC_DROP:
		return head + sizeof(struct ipc_pull);
	case IPC_PULLED:
		return head + sizeof(struct ipc_pulled);
	case IPC_DENY:
		return head + sizeof(struct ipc_deny);
	case IPC_HOP:
		return head + sizeof(struct ipc_hop);
	case IPC_PUSH:
	case IPC_UNPUSH:
		return head + sizeof(struct ipc_push);
	case IPC_PUSHED:
		return head + sizeof(struct ipc_pushed);
	case IPC_CALL:
		return head + sizeof(struct ipc_call);
	case IPC_CALLED:
		return head + sizeof(struct ipc_called);
	case IPC_CLIENT:
		return head + sizeof(struct ipc_client);
	case IPC_REDIRECT:
		return head + sizeof(struct ipc_redirect);
	case IPC_CONNECT:
	case IPC_DONE:
	case IPC_GONE:
		return head + sizeof(struct ipc_done);
	case IPC_RENAME:
		return head + sizeof(struct ipc_rename);
	case IPC_KICK:
	case IPC_LEFT:
		return head + sizeof(struct ipc_kick);
	case IPC_REFUSE:
		return head + sizeof(struct ipc_refuse);
	case IPC_END:
		return head + sizeof(struct ipc_end);
	case IPC_BAN:
		return head + sizeof(struct ipc_ban);
	case IPC_GRANT:
	case IPC_ADMIT:
	case IPC_UNPUBLISH:
	case IPC_FREED:
	case IPC_ASK:
	case IPC_KEEP:
		return head + sizeof(struct ipc_stream);
	case IPC_READY:
	case IPC_QUIT:
	case IPC_REBALANCE:
		return head;
	case IPC_KIND_COUNT:
		break;
	}
	return 0;
}

int
ipc_send(int fd, const struct ipc_msg *m, const int *fds, unsigned nfds)
{
	struct ipc_msg copy;
	size_t n = size_of(m->kind);
	if (n == 0)
		return -EINVAL;
	memcpy(&copy, m, n);
	copy.size = (uint32_t)n;
	int r = fd_send(fd, &copy, n, fds, nfds);
	ipc_wipe(&copy);
	return r;
}

void
ipc_wipe(struct ipc_msg *m)
{
	if (m->kind == IPC_PUBLISH || m->kind == IPC_PLAY) {
		explicit_bzero(m->u.publish.query, sizeof m->u.publish.query);
		explicit_bzero(m->u.publish.args, sizeof m->u.publish.args);
	}
	if (m->kind == IPC_CLIENT) {
		explicit_bzero(m->u.client.args, sizeof m->u.client.args);
		explicit_bzero(m->u.client.url, sizeof m->u.client.url);
	}
	if (m->kind == IPC_WANT || m->kind == IPC_PULL) {
		explicit_bzero(m->u.pull.query, sizeof m->u.pull.query);
		explicit_bzero(m->u.pull.url, sizeof m->u.pull.url);
	}
	if (m->kind == IPC_PUSH) {
		explicit_bzero(m->u.push.url, sizeof m->u.push.url);
		explicit_bzero(m->u.push.name, sizeof m->u.push.name);
		explicit_bzero(m->u.push.args, sizeof m->u.push.args);
	}
	if (m->kind == IPC_CALL)
		explicit_bzero(m->u.call.args, sizeof m->u.call.args);
}

static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
sound_push(const struct ipc_push *p)
{
	return p->keylen <= IPC_KEY_MAX && p->urllen <= IPC_URL_MAX &&
	       p->namelen <= IPC_NAME_MAX && p->argslen <= IPC_ARGS_MAX &&
	       p->vialen <= IPC_VIA_MAX && p->mode < PUSH_MODES;
}

static bool
sound_pushed(const struct ipc_pushed *p)
{
	return p->state <= PUSHED_OVER && ends(p->addr, sizeof p->addr) &&
	       ends(p->code, sizeof p->code) && ends(p->error, sizeof p->error);
}

/* Are the lengths in it inside their arrays, the texts ended? */
static bool
sound(const struct ipc_msg *m)
{
	const struct ipc_publish *p = &m->u.publish;
	const struct ipc_pull *q = &m->u.pull;
	const struct ipc_pulled *d = &m->u.pulled;
	const struct ipc_client *c = &m->u.client;
	switch (m->kind) {
	case IPC_PUBLISH:
	case IPC_PLAY:
		return p->keylen <= IPC_KEY_MAX &&
		       p->querylen <= IPC_QUERY_MAX &&
		       p->argslen <= IPC_SHOWN_MAX && p->vialen <= IPC_VIA_MAX;
	case IPC_CLIENT:
		return c->keylen <= IPC_KEY_MAX &&
		       c->argslen <= IPC_SHOWN_MAX &&
		       c->urllen <= IPC_URL_MAX && c->pagelen <= IPC_PAGE_MAX &&
		       c->swflen <= IPC_PAGE_MAX &&
		       c->agentlen <= IPC_AGENT_MAX &&
		       ends(c->addr, sizeof c->addr);
	case IPC_REDIRECT:
		return ends(m->u.redirect.url, sizeof m->u.redirect.url);
	case IPC_RENAME:
		return m->u.rename.keylen <= IPC_KEY_MAX;
	case IPC_WANT:
	case IPC_UNWANT:
	case IPC_PULL:
	case IPC_DROP:
		return q->keylen <= IPC_KEY_MAX && q->urllen <= IPC_URL_MAX &&
		       q->querylen <= IPC_QUERY_MAX && q->vialen <= IPC_VIA_MAX;
	case IPC_PULLED:
		return ends(d->hop, sizeof d->hop) &&
		       ends(d->addr, sizeof d->addr) &&
		       ends(d->error, sizeof d->error);
	case IPC_REFUSE:
		return ends(m->u.refuse.text, sizeof m->u.refuse.text);
	case IPC_END:
		return ends(m->u.end.text, sizeof m->u.end.text);
	case IPC_DENY:
		return m->u.deny.keylen <= IPC_KEY_MAX &&
		       ends(m->u.deny.text, sizeof m->u.deny.text);
	case IPC_PUSH:
	case IPC_UNPUSH:
		return sound_push(&m->u.push);
	case IPC_PUSHED:
		return sound_pushed(&m->u.pushed);
	case IPC_CALL:
		return m->u.call.call < IPC_CALLS &&
		       m->u.call.argslen <= IPC_CALL_MAX &&
		       ends(m->u.call.method, sizeof m->u.call.method);
	case IPC_CALLED:
		return m->u.called.call < IPC_CALLS &&
		       m->u.called.valuelen <= IPC_CALL_MAX;
	case IPC_HOP:
		return ends(m->u.hop.hop, sizeof m->u.hop.hop) &&
		       ends(m->u.hop.text, sizeof m->u.hop.text);
	default:
		return true;
	}
}

int
ipc_recv(int fd, struct ipc_msg *m, int *fds, unsigned *nfds)
{
	ssize_t n = fd_recv(fd, m, sizeof *m, fds, fds ? IPC_FDS_MAX : 0, nfds);
	if (n == -EMSGSIZE)
		return -EPROTO;
	if (n <= 0)
		return (int)n;
	if ((size_t)n < offsetof(struct ipc_msg, u) || m->size != (size_t)n ||
	    (size_t)n != size_of(m->kind) || !sound(m))
		return -EPROTO;
	return 1;
}
