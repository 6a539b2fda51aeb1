/* Messages to sluice-callback: see hooks_own.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "master/hooks_own.h"
#include "master/master.h"

enum { QUEUE_BYTES = 32 << 20 };

uint64_t
hooks_tag(const struct hooks *h, unsigned kind)
{
	return (uint64_t)kind << 56 | (h->run & UINT64_C(0xffffffffffffff));
}

void
hooks_kill(struct hooks *h)
{
	h->killed = true;
	child_kill(&h->child);
}

static void
drop_first(struct hooks *h)
{
	struct hook_piece *p = h->first;
	h->first = p->next;
	if (h->first == NULL)
		h->last = &h->first;
	h->waits -= p->len;
	/* it may have keys */
	explicit_bzero(p->text, p->len);
	free(p);
}

void
hooks_drop_pieces(struct hooks *h)
{
	while (h->first != NULL)
		drop_first(h);
}

void
hooks_flush(struct master *m)
{
	struct hooks *h = m->hooks;
	while (h->first != NULL) {
		ssize_t n = send(h->child.sock, h->first->text, h->first->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			child_watch(m, &h->child, hooks_tag(h, HOOKS_SOCK),
			    EPOLLIN | EPOLLOUT);
			return;
		}
		if (n < 0) /* its pidfd tells the rest */
			return;
		drop_first(h);
	}
	child_watch(m, &h->child, hooks_tag(h, HOOKS_SOCK), EPOLLIN);
}

static void
append(struct hooks *h, struct hook_piece *p)
{
	*h->last = p;
	h->last = &p->next;
	h->waits += p->len;
}

bool
hooks_tell(struct master *m, json_t *j)
{
	struct hooks *h = m->hooks;
	/* what comes before the next one is started is sent to that */
	bool may = h->child.pid != 0 ? !h->killed : h->respawn_ns != 0;
	char *text = j != NULL && may
			 ? json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII)
			 : NULL;
	size_t len = text != NULL ? strlen(text) : 0;
	bool fits =
	    len > 0 && len <= HOOKS_MAX && h->waits + len <= QUEUE_BYTES;
	struct hook_piece *p = fits ? malloc(sizeof *p + len) : NULL;
	json_decref(j);
	if (p != NULL) {
		*p = (struct hook_piece){ NULL, len };
		memcpy(p->text, text, len);
		append(h, p);
	}
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
	if (p != NULL && h->first == p && h->child.pid != 0)
		hooks_flush(m);
	return p != NULL;
}
