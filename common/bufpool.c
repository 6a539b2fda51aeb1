#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "common/bufpool.h"
#include "common/bug.h"

static unsigned
class_of(size_t size)
{
	unsigned c = 0;
	while (c < BUFPOOL_CLASSES && ((size_t)BUFPOOL_MIN << (2 * c)) < size)
		c++;
	return c;
}

size_t
bufpool_round(size_t size)
{
	unsigned c = class_of(size);
	return c < BUFPOOL_CLASSES ? (size_t)BUFPOOL_MIN << (2 * c) : 0;
}

int
bufpool_init(struct bufpool *p, size_t budget)
{
	memset(p, 0, sizeof *p);
	void *m = mmap(NULL, budget, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m == MAP_FAILED)
		return -errno;
	p->base = m;
	p->size = budget;
	return 0;
}

void
bufpool_fini(struct bufpool *p)
{
	if (p->base)
		munmap(p->base, p->size);
	p->base = NULL;
}

void *
bufpool_get(struct bufpool *p, size_t size)
{
	unsigned c = class_of(size);
	if (c >= BUFPOOL_CLASSES)
		return NULL;
	size_t bytes = (size_t)BUFPOOL_MIN << (2 * c);
	void *b = p->free[c];
	if (b) {
		memcpy(&p->free[c], b, sizeof(void *));
	} else {
		if (bytes > p->size - p->used)
			return NULL;
		b = p->base + p->used;
		p->used += bytes;
	}
	p->lent += bytes;
	return b;
}

void
bufpool_put(struct bufpool *p, void *buf, size_t size)
{
	unsigned c = class_of(size);
	bug_on(c >= BUFPOOL_CLASSES || (uint8_t *)buf < p->base ||
	    (uint8_t *)buf >= p->base + p->size);
	memcpy(buf, &p->free[c], sizeof(void *));
	p->free[c] = buf;
	p->lent -= (size_t)BUFPOOL_MIN << (2 * c);
}
