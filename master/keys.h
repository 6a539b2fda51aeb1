/*
 * keys - a file of keys: who may publish or play from elsewhere.
 *
 *	# comment
 *	PATTERN key SECRET	a secret that stands in the stream key
 *	PATTERN sign SECRET	signs tokens (common/token.h)
 *
 * PATTERN is *, or the name of a stream as APP/NAME or APP/INSTANCE/NAME, or
 * the beginning of such names with * in the place of the last part: APP/ *,
 * APP/INSTANCE/ * (without the blank).  Several lines may fit one stream.
 *
 * The secrets are in the memory of the master only.
 * Context: the main thread.
 */
#ifndef MASTER_KEYS_H
#define MASTER_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum {
	KEYS_FILE_MAX = 256 * 1024, /* bytes of a file */
	KEYS_MAX = 4096,	    /* lines with a key */
	KEYS_SECRET_MIN = 8,
	KEYS_SECRET_MAX = 128,
	KEYS_PATTERN_MAX = 255
};

enum key_kind { KEY_PLAIN, KEY_SIGN };

struct key {
	enum key_kind kind;
	int line;
	uint8_t hash[32]; /* SHA-256 of the secret */
	char pattern[KEYS_PATTERN_MAX + 1];
	char secret[KEYS_SECRET_MAX + 1];
};

struct keys {
	unsigned n;
	struct key *key;
};

/*
 * Take len bytes of a file apart.
 * Returns 0; or the number of the line that is wrong, or -ENOMEM, with what was
 * expected in err (which never has a secret in it); then k is empty
 */
int keys_parse(
    const char *text, size_t len, struct keys *k, char *err, size_t errlen);

/* Read a file; its identity in *st.  Returns as keys_parse(), or -errno. */
int keys_read(const char *path, struct keys *k, struct stat *st, char *err,
    size_t errlen);

/* Forget the secrets. */
void keys_free(struct keys *k);

/*
 * Write a file with a new key and a new signing secret for every stream, mode
 * 0640, whole or not at all; one that is there already is left alone.
 * Returns 0, -EEXIST or another -errno
 */
int keys_create(const char *path);

/* Does the pattern of k fit the stream (its directory key)? */
bool key_fits(const struct key *k, const char *key, size_t keylen);

/* Is text the secret of k?  In constant time. */
bool key_is(const struct key *k, const char *text, size_t len);

#endif
