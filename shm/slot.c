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

void
row_start(struct client_row *r, const char *addr, uint64_t id,
    uint64_t since_ns, enum row_role role)
{
	row_begin(r);
	strncpy(r->addr, addr, sizeof r->addr - 1);
	r->addr[sizeof r->addr - 1] = '\0';
	r->keylen = 0;
	r->agent[0] = '\0';
	row_end(r);
	atomic_store_explicit(&r->id, id, memory_order_relaxed);
	atomic_store_explicit(&r->since_ns, since_ns, memory_order_relaxed);
	atomic_store_explicit(&r->bytes_in, 0, memory_order_relaxed);
	atomic_store_explicit(&r->bytes_out, 0, memory_order_relaxed);
	atomic_store_explicit(&r->skips, 0, memory_order_relaxed);
	atomic_store_explicit(&r->lag_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&r->role, role, memory_order_release);
}

void
row_set_key(struct client_row *r, const char *key, size_t len)
{
	row_begin(r);
	r->keylen = (uint32_t)(len < ROW_KEY ? len : ROW_KEY);
	memcpy(r->key, key, r->keylen);
	row_end(r);
}

void
row_set_agent(struct client_row *r, const char *agent, size_t len)
{
	size_t n = len < sizeof r->agent - 1 ? len : sizeof r->agent - 1;
	row_begin(r);
	for (size_t i = 0; i < n; i++)
		r->agent[i] = agent[i] >= 32 && agent[i] < 127 ? agent[i] : '?';
	r->agent[n] = '\0';
	row_end(r);
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
