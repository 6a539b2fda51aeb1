#include "config.h"

#include <errno.h>
#include <string.h>

#include "shm/slot.h"

void
row_begin(struct client_row *r)
{
	uint32_t seq = atomic_load_explicit(&r->seq, memory_order_relaxed);
	/* a predecessor may have died inside a change: stay odd */
	atomic_store_explicit(&r->seq, seq | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

void
row_end(struct client_row *r)
{
	uint32_t seq = atomic_load_explicit(&r->seq, memory_order_relaxed);
	atomic_store_explicit(&r->seq, seq + 1, memory_order_release);
}

int
row_read(const struct client_row *r, struct client_row *copy)
{
	for (int i = 0; i < 8; i++) {
		uint32_t a =
		    atomic_load_explicit(&r->seq, memory_order_acquire);
		if (a & 1)
			continue;
		memcpy(copy, r, sizeof *copy);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&r->seq, memory_order_relaxed) != a)
			continue;
		copy->addr[sizeof copy->addr - 1] = '\0';
		copy->agent[sizeof copy->agent - 1] = '\0';
		if (copy->keylen > ROW_KEY)
			copy->keylen = ROW_KEY;
		return 0;
	}
	return -EAGAIN;
}
