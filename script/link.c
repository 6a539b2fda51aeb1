#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "script/link.h"
#include "common/proto.h"

struct link_piece {
	struct link_piece *next;
	size_t len;
	char text[];
};

void
link_init(struct link *l, int fd)
{
	*l = (struct link){ .fd = fd };
	l->last = &l->first;
}

static void
drop_first(struct link *l)
{
	struct link_piece *p = l->first;
	l->first = p->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->bytes -= p->len;
	free(p);
}

void
link_fini(struct link *l)
{
	while (l->first != NULL)
		drop_first(l);
	close(l->fd);
}

int
link_send(struct link *l, const char *text, size_t len)
{
	if (len > PROTO_MAX)
		return -EMSGSIZE;
	if (l->bytes + len > LINK_QUEUE_BYTES)
		return -ENOBUFS;
	struct link_piece *p = malloc(sizeof *p + len);
	if (p == NULL)
		return -ENOMEM;
	p->next = NULL;
	p->len = len;
	memcpy(p->text, text, len);
	*l->last = p;
	l->last = &p->next;
	l->bytes += len;
	return 0;
}

int
link_flush(struct link *l)
{
	while (l->first != NULL) {
		ssize_t n = send(l->fd, l->first->text, l->first->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return -errno;
		drop_first(l);
	}
	return 0;
}

long
link_recv(struct link *l, char *buf)
{
	ssize_t n;
	do
		n = recv(l->fd, buf, PROTO_MAX, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
