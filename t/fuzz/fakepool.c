/*
 * fakepool - common/bufpool.h with an allocation for every buffer, so that the
 * address sanitizer sees use after put and writes past the class.  New buffers
 * are not zero.  Linked instead of common/bufpool.c.
 */
#include "config.h"

#include <string.h>

#include "common/bufpool.h"
#include "common/bug.h"
#include "t/fuzz/keep.h"

static size_t
round_up(size_t size)
{
	size_t n = BUFPOOL_MIN;
	for (unsigned c = 0; c < BUFPOOL_CLASSES; c += 2, n *= 2) {
		if (size <= n)
			return n;
		if (size <= n / 2 * 3 && c + 1 < BUFPOOL_CLASSES)
			return n / 2 * 3;
	}
	return 0;
}

void
bufpool_init(struct bufpool *p, size_t budget)
{
	*p = (struct bufpool){ .budget = budget };
}

void
bufpool_fini(struct bufpool *p)
{
	memset(p, 0, sizeof *p);
}

size_t
bufpool_round(size_t size)
{
	return round_up(size);
}

static void *
get(struct bufpool *p, size_t size, size_t limit)
{
	size_t n = round_up(size);
	if (n == 0 || p->lent + n > limit)
		return NULL;
	void *b = keep_get(n);
	memset(b, 0xd5, n < 4096 ? n : 4096);
	p->lent += n;
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
	size_t n = round_up(size);
	bug_on(n == 0 || n > p->lent);
	p->lent -= n;
	keep_put(buf, n);
}
