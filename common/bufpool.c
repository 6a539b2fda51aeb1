#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/bufpool.h"
#include "common/bug.h"

enum { CACHE_SHARE = 4 }; /* a quarter of the budget may lie on the lists */

static unsigned
class_of(size_t size)
{
	if (size <= BUFPOOL_MIN)
		return 0;
	/* 2^n < size <= 2^(n + 1): the class in the middle, or the upper one */
	unsigned n = 63 - (unsigned)__builtin_clzll(size - 1);
	unsigned upper = size > (size_t)3 << (n - 1);
	return 2 * (n - BUFPOOL_MIN_SHIFT) + 1 + upper;
}

static size_t
class_size(unsigned c)
{
	return (size_t)(BUFPOOL_MIN / 2) * (2 + c % 2) << c / 2;
}

size_t
bufpool_round(size_t size)
{
	unsigned c = class_of(size);
	return c < BUFPOOL_CLASSES ? class_size(c) : 0;
}

void
bufpool_init(struct bufpool *p, size_t budget)
{
	*p = (struct bufpool){ .budget = budget };
}

/* The first buffer of a list, which links through its first bytes. */
static void *
pop(struct bufpool *p, unsigned c)
{
	void *b = p->free[c];
	if (b == NULL)
		return NULL;
	memcpy(&p->free[c], b, sizeof(void *));
	p->cached -= class_size(c);
	return b;
}

/* Make room for bytes more by giving unused buffers back, largest first. */
static void
shrink(struct bufpool *p, size_t bytes)
{
	for (unsigned c = BUFPOOL_CLASSES; c-- > 0;)
		while (p->lent + p->cached + bytes > p->budget &&
		       p->free[c] != NULL)
			free(pop(p, c));
}

void
bufpool_fini(struct bufpool *p)
{
	for (unsigned c = 0; c < BUFPOOL_CLASSES; c++)
		while (p->free[c] != NULL)
			free(pop(p, c));
}

static void *
get(struct bufpool *p, size_t size, size_t limit)
{
	unsigned c = class_of(size);
	if (c >= BUFPOOL_CLASSES || p->lent + class_size(c) > limit)
		return NULL;
	void *b = pop(p, c);
	if (b == NULL) {
		shrink(p, class_size(c));
		b = malloc(class_size(c));
	}
	if (b != NULL)
		p->lent += class_size(c);
	return b;
}

void *
bufpool_get(struct bufpool *p, size_t size)
{
	return get(p, size, p->budget);
}

void *
bufpool_get_new(struct bufpool *p, size_t size)
{
	return get(p, size, p->budget / 4 * 3);
}

void
bufpool_put(struct bufpool *p, void *buf, size_t size)
{
	unsigned c = class_of(size);
	bug_on(c >= BUFPOOL_CLASSES || class_size(c) > p->lent);
	p->lent -= class_size(c);
	if (p->cached + class_size(c) > p->budget / CACHE_SHARE) {
		free(buf);
		return;
	}
	memcpy(buf, &p->free[c], sizeof(void *));
	p->free[c] = buf;
	p->cached += class_size(c);
}
