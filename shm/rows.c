#include "config.h"

#include <unistd.h>

#include "shm/rows.h"

/* The next row at or after `row` that holds memory; data end at row *end. */
static uint32_t
next_row(const struct arena *a, int fd, uint32_t row, uint32_t *end)
{
	enum { ROW = sizeof(struct client_row) };
	off_t begin = (off_t)(a->rows_at + (uint64_t)row * ROW);
	off_t data = lseek(fd, begin, SEEK_DATA);
	off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
	if (data < 0 || hole < 0)
		return *end = a->nrows;
	uint64_t from = ((uint64_t)data - a->rows_at) / ROW;
	uint64_t to = ((uint64_t)hole - a->rows_at) / ROW;
	*end = to < a->nrows ? (uint32_t)to : a->nrows;
	return from < a->nrows ? (uint32_t)from : a->nrows;
}

void
rows_each(const struct arena *a, unsigned s, int fd, row_fn *fn, void *arg)
{
	uint32_t end = 0;
	for (uint32_t i = 0; i < a->nrows; i++) {
		if (i >= end)
			i = next_row(a, fd, i, &end);
		if (i >= a->nrows)
			return;
		const struct client_row *r = arena_row(a, s, i);
		if (atomic_load_explicit(&r->role, memory_order_acquire) !=
			ROW_FREE &&
		    !fn(r, arg))
			return;
	}
}
