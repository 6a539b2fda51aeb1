#include "config.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bug.h"
#include "script/heap.h"
#include "common/proto.h"

enum { RESERVE = 256 * 1024 };

/* In front of each piece. */
struct piece {
	alignas(16) size_t size;
};

/* One for all heaps: only one dies. */
static alignas(16) char reserve[RESERVE];
static size_t reserved;

static void *
from_reserve(size_t size)
{
	size_t need = (sizeof(struct piece) + size + 15) & ~(size_t)15;
	if (size > RESERVE || need > RESERVE - reserved)
		return NULL;
	struct piece *p = (struct piece *)(void *)(reserve + reserved);
	reserved += need;
	p->size = size;
	return p + 1;
}

static bool
fits(struct heap *h, size_t had, size_t size)
{
	if (size <= h->limit && h->used - had <= h->limit - size)
		return true;
	h->denied++;
	return false;
}

static void *
take(void *arg, duk_size_t size)
{
	struct heap *h = arg;
	if (size == 0)
		return NULL;
	if (h->dying)
		return from_reserve(size);
	if (!fits(h, 0, size))
		return NULL;
	struct piece *p = malloc(sizeof *p + size);
	if (p == NULL)
		return NULL;
	p->size = size;
	h->used += size;
	return p + 1;
}

static void
give(void *arg, void *ptr)
{
	struct heap *h = arg;
	if (ptr == NULL || h->dying)
		return;
	struct piece *p = (struct piece *)ptr - 1;
	h->used -= p->size;
	free(p);
}

static void *
dying_move(void *ptr, size_t size)
{
	struct piece *p = (struct piece *)ptr - 1;
	void *to = from_reserve(size);
	if (to != NULL)
		memcpy(to, ptr, p->size < size ? p->size : size);
	return to;
}

static void *
change(void *arg, void *ptr, duk_size_t size)
{
	struct heap *h = arg;
	if (ptr == NULL)
		return take(h, size);
	if (size == 0) {
		give(h, ptr);
		return NULL;
	}
	if (h->dying)
		return dying_move(ptr, size);
	struct piece *p = (struct piece *)ptr - 1;
	size_t had = p->size;
	if (!fits(h, had, size))
		return NULL;
	p = realloc(p, sizeof *p + size);
	if (p == NULL)
		return NULL;
	p->size = size;
	h->used += size - had;
	return p + 1;
}

/*
 * An error that nothing catches: out of memory while a heap is made, or the
 * engine is broken.  Every call of ours is protected.
 */
static void
fatal(void *arg, const char *msg)
{
	struct heap *h = arg;
	fprintf(stderr, "sluice-script: the engine gave up: %s\n",
	    msg ? msg : "no reason");
	_exit(h->denied ? PROTO_EXIT_MEMORY : PROTO_EXIT_ENGINE);
}

int
heap_open(struct heap *h, size_t limit, void *owner)
{
	*h = (struct heap){ .limit = limit, .owner = owner };
	h->ctx = duk_create_heap(take, change, give, h, fatal);
	return h->ctx != NULL ? 0 : -ENOMEM;
}

void
heap_close(struct heap *h)
{
	if (h->ctx != NULL)
		duk_destroy_heap(h->ctx);
	h->ctx = NULL;
	bug_on(h->used != 0);
}

struct heap *
heap_of(duk_context *ctx)
{
	duk_memory_functions f;
	duk_get_memory_functions(ctx, &f);
	return f.udata;
}

void
heap_die(struct heap *h)
{
	h->dying = true;
}
