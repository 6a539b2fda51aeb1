#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fdpass.h"
#include "common/talk.h"

struct talk_head {
	uint32_t kind, size, flag, unused;
	uint64_t client;
	double number;
	uint32_t len[TALK_FIELDS], unused2;
};
_Static_assert(
    sizeof(struct talk_head) + TALK_TEXT_MAX == TALK_MAX, "the longest fits");

struct talk_piece {
	struct talk_piece *next;
	size_t len;
	bool connect;
	uint64_t client;
	char bytes[];
};

size_t
talk_pack(const struct talk *t, void *buf, size_t cap)
{
	struct talk_head h = { .kind = t->kind,
		.flag = t->flag,
		.client = t->client,
		.number = t->number };
	size_t len = 0;
	char *p = (char *)buf + sizeof h;
	for (unsigned i = 0; i < TALK_FIELDS; i++) {
		if (t->field[i].len > TALK_TEXT_MAX - len)
			return 0;
		h.len[i] = (uint32_t)t->field[i].len;
		len += t->field[i].len;
	}
	if (cap < sizeof h + len)
		return 0;
	h.size = (uint32_t)(sizeof h + len);
	memcpy(buf, &h, sizeof h);
	for (unsigned i = 0; i < TALK_FIELDS; p += h.len[i++])
		if (h.len[i] > 0)
			memcpy(p, t->field[i].p, h.len[i]);
	return h.size;
}

int
talk_unpack(const void *buf, size_t len, struct talk *t)
{
	struct talk_head h;
	if (len < sizeof h)
		return -EPROTO;
	const char *p = (const char *)buf + sizeof h;
	memcpy(&h, buf, sizeof h);
	size_t left = len - sizeof h;
	if (h.size != len || h.kind == 0 || h.kind >= TALK_KIND_COUNT ||
	    h.flag > 1)
		return -EPROTO;
	*t = (struct talk){ .kind = (enum talk_kind)h.kind,
		.flag = h.flag,
		.client = h.client,
		.number = h.number };
	for (unsigned i = 0; i < TALK_FIELDS; i++) {
		if (h.len[i] > left)
			return -EPROTO;
		t->field[i] = (struct span){ p, h.len[i] };
		p += h.len[i];
		left -= h.len[i];
	}
	return left == 0 ? 0 : -EPROTO;
}

/* Links. ----------------------------------------------------------------- */

void
talk_open(struct talk_link *l, int fd)
{
	*l = (struct talk_link){ .fd = fd };
	l->last = &l->first;
}

/* Arguments may be passwords. */
static void
drop(struct talk_link *l, struct talk_piece **at)
{
	struct talk_piece *p = *at;
	*at = p->next;
	if (l->last == &p->next)
		l->last = at;
	l->bytes -= p->len;
	explicit_bzero(p->bytes, p->len);
	free(p);
}

void
talk_close(struct talk_link *l)
{
	while (l->first != NULL)
		drop(l, &l->first);
	close(l->fd);
	l->fd = -1;
}

int
talk_send(struct talk_link *l, const struct talk *t)
{
	size_t size = sizeof(struct talk_head);
	for (unsigned i = 0; i < TALK_FIELDS; i++)
		size +=
		    t->field[i].len <= TALK_MAX ? t->field[i].len : TALK_MAX;
	if (size > TALK_MAX)
		return -EMSGSIZE;
	if (l->bytes + size > TALK_QUEUE)
		return -ENOBUFS;
	struct talk_piece *p = malloc(sizeof *p + size);
	if (p == NULL)
		return -ENOMEM;
	p->next = NULL;
	p->connect = t->kind == TALK_CONNECT;
	p->client = t->client;
	p->len = talk_pack(t, p->bytes, size);
	if (p->len == 0) {
		free(p);
		return -EMSGSIZE;
	}
	*l->last = p;
	l->last = &p->next;
	l->bytes += p->len;
	return talk_flush(l);
}

int
talk_offer(struct talk_link *l, const struct talk *t)
{
	return l->bytes > TALK_QUEUE / 2 ? -ENOBUFS : talk_send(l, t);
}

int
talk_flush(struct talk_link *l)
{
	while (l->first != NULL) {
		int r = fd_send(l->fd, l->first->bytes, l->first->len, NULL, 0);
		if (r == -EAGAIN)
			return 0;
		if (r < 0)
			return r;
		drop(l, &l->first);
	}
	return 0;
}

bool
talk_forget(struct talk_link *l, uint64_t client)
{
	struct talk_piece **at = &l->first;
	while (*at != NULL && !((*at)->connect && (*at)->client == client))
		at = &(*at)->next;
	if (*at == NULL)
		return false;
	drop(l, at);
	return true;
}

int
talk_recv(struct talk_link *l, void *buf, struct talk *t)
{
	ssize_t n = fd_recv(l->fd, buf, TALK_MAX, NULL, 0, NULL);
	if (n == -EMSGSIZE)
		return -EPROTO;
	if (n <= 0)
		return (int)n;
	int r = talk_unpack(buf, (size_t)n, t);
	return r == 0 ? 1 : r;
}
