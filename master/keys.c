#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "master/keys.h"
#include "shm/directory.h"

#define BLANKS	     " \t\r"
#define DEFAULT_INST "_definst_"

enum { NEW_KEY = 16, NEW_SIGN = 32 }; /* random bytes */

/* Parsing. --------------------------------------------------------------- */

/* * alone, or at least two parts, and * only as the whole last one. */
static bool
pattern_ok(const char *p, size_t n)
{
	const char *star = memchr(p, '*', n), *slash = memchr(p, '/', n);
	if (n == 0 || n > KEYS_PATTERN_MAX)
		return false;
	if (n == 1 && star != NULL)
		return true;
	if (slash == NULL || slash == p || p[n - 1] == '/')
		return false;
	return star == NULL || (star == p + n - 1 && star[-1] == '/');
}

/* Unreserved characters of RFC 3986: clients need not escape them. */
static bool
secret_ok(const char *s, size_t n)
{
	if (n < KEYS_SECRET_MIN || n > KEYS_SECRET_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] >= 'A' && s[i] <= 'Z') ||
			(s[i] >= '0' && s[i] <= '9') ||
			(s[i] != '\0' && strchr("-._~", s[i]) != NULL)))
			return false;
	return true;
}

/* The next word of [*p, end). */
static const char *
word(const char **p, const char *end, size_t *n)
{
	while (*p < end && **p != '\0' && strchr(BLANKS, **p) != NULL)
		(*p)++;
	const char *at = *p;
	while (*p < end && (**p == '\0' || strchr(BLANKS, **p) == NULL))
		(*p)++;
	*n = (size_t)(*p - at);
	return at;
}

static bool
is_word(const char *s, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(s, want, n) == 0;
}

static void
hash(const char *s, size_t n, uint8_t out[32])
{
	memset(out, 0, 32);
	(void)EVP_Digest(s, n, out, NULL, EVP_sha256(), NULL);
}

/* Returns what was expected in the line, NULL if it is one of a key. */
static const char *
parse_line(const char *p, const char *end, struct key *k)
{
	size_t npat, nkind, nsec, nmore;
	const char *pat = word(&p, end, &npat);
	const char *kind = word(&p, end, &nkind);
	const char *sec = word(&p, end, &nsec);
	(void)word(&p, end, &nmore);
	if (nsec == 0 || nmore > 0)
		return "PATTERN key SECRET or PATTERN sign SECRET";
	if (!pattern_ok(pat, npat))
		return "as pattern *, APP/*, APP/INSTANCE/*, APP/NAME or "
		       "APP/INSTANCE/NAME";
	if (!is_word(kind, nkind, "key") && !is_word(kind, nkind, "sign"))
		return "key or sign as the second word";
	if (!secret_ok(sec, nsec))
		return "a secret of 8 to 128 letters, digits and - . _ ~ "
		       "(openssl rand -hex 16 makes one)";
	memset(k, 0, sizeof *k);
	k->kind = kind[0] == 's' ? KEY_SIGN : KEY_PLAIN;
	memcpy(k->pattern, pat, npat);
	memcpy(k->secret, sec, nsec);
	hash(sec, nsec, k->hash);
	return NULL;
}

static bool
is_empty(const char *p, const char *end)
{
	size_t n;
	const char *first = word(&p, end, &n);
	return n == 0 || first[0] == '#';
}

static int
wrong(struct keys *k, int result, const char *want, char *err, size_t errlen)
{
	snprintf(err, errlen, "expected %s", want);
	keys_free(k);
	return result;
}

/* Room for the keys of a text. */
static size_t
lines(const char *text, size_t len)
{
	size_t n = 1;
	for (size_t i = 0; i < len && n < KEYS_MAX; i++)
		n += text[i] == '\n';
	return n;
}

int
keys_parse(
    const char *text, size_t len, struct keys *k, char *err, size_t errlen)
{
	const char *p = text, *end = text + len;
	/* at once: a table that grew would leave secrets behind */
	*k = (struct keys){ 0, calloc(lines(text, len), sizeof *k->key) };
	if (k->key == NULL)
		return wrong(k, -ENOMEM, "more memory", err, errlen);
	for (int line = 1; p < end; line++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *stop = eol != NULL ? eol : end;
		const char *from = p;
		p = eol != NULL ? eol + 1 : end;
		if (is_empty(from, stop))
			continue;
		if (k->n == KEYS_MAX)
			return wrong(k, line, "at most 4096 keys", err, errlen);
		const char *want = parse_line(from, stop, &k->key[k->n]);
		if (want != NULL)
			return wrong(k, line, want, err, errlen);
		k->key[k->n++].line = line;
	}
	return 0;
}

void
keys_free(struct keys *k)
{
	if (k->key != NULL)
		explicit_bzero(k->key, k->n * sizeof *k->key);
	free(k->key);
	*k = (struct keys){ 0, NULL };
}

/* Files. ----------------------------------------------------------------- */

/* Returns the bytes read, or -errno. */
static ssize_t
slurp(int fd, char *buf, size_t cap)
{
	size_t got = 0;
	while (got < cap) {
		ssize_t n = read(fd, buf + got, cap - got);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int
keys_read(
    const char *path, struct keys *k, struct stat *st, char *err, size_t errlen)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 || fstat(fd, st) != 0 ? -errno : 0;
	char *buf = r == 0 ? malloc(KEYS_FILE_MAX + 1) : NULL;
	*k = (struct keys){ 0, NULL };
	if (r == 0 && !S_ISREG(st->st_mode))
		r = -EISDIR;
	else if (r == 0 && buf == NULL)
		r = -ENOMEM;
	ssize_t n = r == 0 ? slurp(fd, buf, KEYS_FILE_MAX + 1) : r;
	if (n > KEYS_FILE_MAX)
		n = -EFBIG;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		snprintf(err, errlen, "expected a readable file of keys: %s",
		    strerror((int)-n));
	r = n < 0 ? (int)n : keys_parse(buf, (size_t)n, k, err, errlen);
	if (n > 0)
		explicit_bzero(buf, (size_t)n);
	free(buf);
	return r;
}

/* n random bytes as hexadecimal digits. */
static int
random_hex(char *out, size_t n)
{
	uint8_t b[NEW_SIGN];
	if (getrandom(b, n, 0) != (ssize_t)n)
		return -EIO;
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", b[i]);
	explicit_bzero(b, sizeof b);
	return 0;
}

static int
fill(int fd)
{
	char key[2 * NEW_KEY + 1], sign[2 * NEW_SIGN + 1], text[512];
	if (random_hex(key, NEW_KEY) != 0 || random_hex(sign, NEW_SIGN) != 0)
		return -EIO;
	int n = snprintf(text, sizeof text,
	    "# Keys of Sluice, see sluice.keys(5).  Keep this file secret.\n"
	    "# Two lines that fit one stream are both good: add the new one,\n"
	    "# change the encoders, take the old one away.\n"
	    "* key %s\n* sign %s\n",
	    key, sign);
	int r = write(fd, text, (size_t)n) == n ? 0 : errno ? -errno : -EIO;
	if (r == 0 && (fchmod(fd, 0640) != 0 || fsync(fd) != 0))
		r = -errno;
	explicit_bzero(text, sizeof text);
	explicit_bzero(key, sizeof key);
	explicit_bzero(sign, sizeof sign);
	return r;
}

int
keys_create(const char *path)
{
	char temp[600];
	int n = snprintf(temp, sizeof temp, "%s.%ld", path, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof temp)
		return -ENAMETOOLONG;
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	errno = 0;
	int r = fill(fd);
	close(fd);
	/* link, not rename: it never replaces another's file */
	if (r == 0 && link(temp, path) != 0)
		r = -errno;
	(void)unlink(temp);
	return r;
}

/* Use. ------------------------------------------------------------------- */

static bool
name_fits(const char *pattern, const char *name, size_t n)
{
	size_t len = strlen(pattern);
	if (pattern[len - 1] != '*')
		return n == len && memcmp(pattern, name, n) == 0;
	len--;
	return n > len && memcmp(pattern, name, len) == 0;
}

bool
key_fits(const struct key *k, const char *key, size_t keylen)
{
	const char *p[4];
	size_t n[4];
	char name[DIR_KEY_MAX + 4];
	for (unsigned i = 0; i < 4; i++)
		p[i] = directory_key_part(key, keylen, i, &n[i]);
	int len = snprintf(name, sizeof name, "%.*s/%.*s/%.*s", (int)n[1], p[1],
	    (int)n[2], p[2], (int)n[3], p[3]);
	if (len < 0 || (size_t)len >= sizeof name)
		return false;
	if (name_fits(k->pattern, name, (size_t)len))
		return true;
	if (!is_word(p[2], n[2], DEFAULT_INST))
		return false;
	len = snprintf(
	    name, sizeof name, "%.*s/%.*s", (int)n[1], p[1], (int)n[3], p[3]);
	return name_fits(k->pattern, name, (size_t)len);
}

bool
key_is(const struct key *k, const char *text, size_t len)
{
	uint8_t h[32];
	hash(text, len, h);
	return CRYPTO_memcmp(h, k->hash, sizeof h) == 0;
}
