#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/bug.h"
#include "common/clock.h"
#include "common/siphash.h"
#include "shm/arena.h"
#include "shm/directory.h"

static uint64_t
hash_of(const struct arena *a, const void *key, size_t len)
{
	uint64_t h = siphash(a->control->hash_key, key, len);
	return h ? h : 1;
}

/* Copy an entry's key; false if the master was changing it. */
static bool
read_key(
    const struct dir_entry *e, uint64_t words[DIR_KEY_MAX / 8], uint32_t *len)
{
	uint64_t seq = atomic_load_explicit(&e->seq, memory_order_acquire);
	if (seq & 1)
		return false;
	*len = atomic_load_explicit(&e->keylen, memory_order_relaxed);
	for (unsigned i = 0; i < DIR_KEY_MAX / 8; i++)
		words[i] =
		    atomic_load_explicit(&e->key[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&e->seq, memory_order_relaxed) == seq &&
	       *len <= DIR_KEY_MAX;
}

static bool
entry_is(const struct dir_entry *e, uint64_t hash, const void *key, size_t len)
{
	uint64_t words[DIR_KEY_MAX / 8];
	uint32_t n;
	if (atomic_load_explicit(&e->hash, memory_order_acquire) != hash)
		return false;
	return read_key(e, words, &n) && n == len && memcmp(words, key, n) == 0;
}

bool
directory_find(const struct arena *a, const void *key, size_t keylen,
    uint32_t *block, uint64_t *gen)
{
	const struct control *c = a->control;
	uint64_t hash = hash_of(a, key, keylen);
	for (uint32_t i = 0; i < a->dir_size; i++) {
		const struct dir_entry *e =
		    &c->dir[(hash + i) & (a->dir_size - 1)];
		if (atomic_load_explicit(&e->hash, memory_order_acquire) == 0)
			return false;
		if (!entry_is(e, hash, key, keylen))
			continue;
		uint64_t cur =
		    atomic_load_explicit(&e->cur, memory_order_acquire);
		if (cur == 0 || (cur >> 40) > a->nblocks)
			return false;
		*block = (uint32_t)(cur >> 40) - 1;
		*gen = cur & UINT64_C(0xffffffffff);
		return true;
	}
	return false;
}

static bool
may_reuse(const struct dir_entry *e, uint64_t now_ns)
{
	if (atomic_load_explicit(&e->cur, memory_order_relaxed) != 0)
		return false;
	uint64_t since =
	    atomic_load_explicit(&e->idle_since_ns, memory_order_relaxed);
	return now_ns > since && now_ns - since > DIR_IDLE_S * NS_PER_S;
}

static void
write_entry(struct dir_entry *e, uint64_t hash, const void *key, size_t len)
{
	uint64_t words[DIR_KEY_MAX / 8] = { 0 };
	memcpy(words, key, len);
	uint64_t seq = atomic_load_explicit(&e->seq, memory_order_relaxed);
	atomic_store_explicit(&e->seq, seq | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < DIR_KEY_MAX / 8; i++)
		atomic_store_explicit(
		    &e->key[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&e->keylen, (uint32_t)len, memory_order_relaxed);
	atomic_store_explicit(&e->last_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&e->last_ts, 0, memory_order_relaxed);
	atomic_store_explicit(&e->cur, 0, memory_order_relaxed);
	atomic_store_explicit(&e->hash, hash, memory_order_release);
	atomic_store_explicit(&e->seq, (seq | 1) + 1, memory_order_release);
}

int64_t
directory_enter(
    struct arena *a, const void *key, size_t keylen, uint64_t now_ns)
{
	uint64_t hash = hash_of(a, key, keylen);
	int64_t reuse = -1;
	bug_on(keylen == 0 || keylen > DIR_KEY_MAX);
	for (uint32_t i = 0; i < a->dir_size; i++) {
		uint32_t at = (uint32_t)(hash + i) & (a->dir_size - 1);
		struct dir_entry *e = &a->control->dir[at];
		uint64_t h =
		    atomic_load_explicit(&e->hash, memory_order_relaxed);
		if (h == hash && entry_is(e, hash, key, keylen))
			return at;
		if (h != 0 && reuse < 0 && may_reuse(e, now_ns))
			reuse = at;
		if (h == 0) {
			if (reuse < 0)
				reuse = at;
			break;
		}
	}
	if (reuse < 0)
		return -ENOSPC;
	write_entry(&a->control->dir[reuse], hash, key, keylen);
	atomic_store_explicit(&a->control->dir[reuse].idle_since_ns, now_ns,
	    memory_order_relaxed);
	return reuse;
}

size_t
directory_key(const struct arena *a, uint32_t i, char key[DIR_KEY_MAX])
{
	uint64_t words[DIR_KEY_MAX / 8];
	uint32_t len;
	if (i >= a->dir_size || !read_key(&a->control->dir[i], words, &len))
		return 0;
	memcpy(key, words, len);
	return len;
}

void
directory_point(struct arena *a, uint32_t i, uint64_t cur, uint64_t now_ns)
{
	bug_on(i >= a->dir_size);
	struct dir_entry *e = &a->control->dir[i];
	if (cur == 0)
		atomic_store_explicit(
		    &e->idle_since_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&e->cur, cur, memory_order_release);
	atomic_fetch_add_explicit(
	    &a->control->dir_epoch, 1, memory_order_release);
}

size_t
directory_make_key(char key[DIR_KEY_MAX], const char *vhost, size_t vhost_len,
    const char *app, size_t app_len, const char *inst, size_t inst_len,
    const char *stream, size_t stream_len)
{
	const char *part[4] = { vhost, app, inst, stream };
	const size_t len[4] = { vhost_len, app_len, inst_len, stream_len };
	size_t n = 0;
	if (stream_len == 0)
		return 0;
	for (unsigned i = 0; i < 4; i++) {
		if (len[i] > DIR_KEY_MAX ||
		    n + len[i] + (i < 3) > DIR_KEY_MAX ||
		    (len[i] && memchr(part[i], '\0', len[i])))
			return 0;
		if (len[i])
			memcpy(key + n, part[i], len[i]);
		n += len[i];
		if (i < 3)
			key[n++] = '\0';
	}
	return n;
}

bool
directory_key_sound(const char *key, size_t keylen)
{
	size_t n;
	unsigned nuls = 0;
	if (keylen == 0 || keylen > DIR_KEY_MAX)
		return false;
	for (size_t i = 0; i < keylen; i++)
		nuls += key[i] == '\0';
	(void)directory_key_part(key, keylen, 3, &n);
	return nuls == 3 && n > 0;
}

const char *
directory_key_part(const char *key, size_t keylen, unsigned i, size_t *len)
{
	const char *p = key, *end = key + keylen;
	for (; i > 0; i--) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));
		if (!nul) {
			*len = 0;
			return end;
		}
		p = nul + 1;
	}
	const char *nul = memchr(p, '\0', (size_t)(end - p));
	*len = (size_t)((nul ? nul : end) - p);
	return p;
}
