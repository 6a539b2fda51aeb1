/*
 * directory - stream name to (block, gen), in the control region.  The master
 * alone writes, in place; workers read without a lock, inside a section.
 *
 * Open addressing with linear probing over dir_size entries (a power of two),
 * keyed hash.  seq is odd while the master changes an entry's key; entries are
 * never removed, so probe chains never break; one that had no publisher for 10
 * minutes and lies on a new key's chain is overwritten.
 *
 * A key is: vhost NUL app NUL instance NUL stream, 1..256 bytes, no NUL in
 * the parts.
 */
#ifndef SHM_DIRECTORY_H
#define SHM_DIRECTORY_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "common/ipc.h"

enum { DIR_KEY_MAX = IPC_KEY_MAX, DIR_IDLE_S = 600 };

struct dir_entry {
	alignas(64) _Atomic uint64_t seq;
	_Atomic uint64_t hash;	  /* 0: never used */
	_Atomic uint64_t cur;	  /* owner_word(block, gen); 0: no publisher */
	_Atomic uint64_t last_ns; /* clock left behind; 0: was never live */
	_Atomic uint32_t last_ts;
	_Atomic uint32_t keylen;
	_Atomic uint64_t idle_since_ns; /* when cur became 0 */
	_Atomic uint64_t key[DIR_KEY_MAX / 8];
};
_Static_assert(sizeof(struct dir_entry) == 320, "shared layout");

struct arena;

/*
 * Find the live stream of a key.
 * Returns	true with its block and generation (check it again after
 *		setting the interest bit: ring_watch()), or false
 * Context	any process; inside a section in workers
 */
bool directory_find(const struct arena *a, const void *key, size_t keylen,
    uint32_t *block, uint64_t *gen);

/*
 * Entry for key, made if there is none.
 * Returns	its index, or -ENOSPC when the chain is full of recent names
 * Context	master
 */
int64_t directory_enter(
    struct arena *a, const void *key, size_t keylen, uint64_t now_ns);

/* Copy the key of entry i (may be changing: seq).  Returns its length or 0. */
size_t directory_key(const struct arena *a, uint32_t i, char key[DIR_KEY_MAX]);

/* Set what entry i points to; 0 = nobody.  Context: master. */
void directory_point(
    struct arena *a, uint32_t i, uint64_t cur, uint64_t now_ns);

/*
 * Build a key.  Returns its length, or 0 if it would be longer than
 * DIR_KEY_MAX, a part holds a NUL or the stream part is empty.
 */
size_t directory_make_key(char key[DIR_KEY_MAX], const char *vhost,
    size_t vhost_len, const char *app, size_t app_len, const char *inst,
    size_t inst_len, const char *stream, size_t stream_len);

/* Has a key that came from elsewhere four parts, and a stream in the last? */
bool directory_key_sound(const char *key, size_t keylen);

/* Part i (0 vhost .. 3 stream) of a key; *len 0 if it has fewer parts. */
const char *directory_key_part(
    const char *key, size_t keylen, unsigned i, size_t *len);

/* The same as a span. */
static inline struct span
directory_part(const char *key, size_t keylen, unsigned i)
{
	struct span s;
	s.p = directory_key_part(key, keylen, i, &s.len);
	return s;
}

#endif
