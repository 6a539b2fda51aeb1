/*
 * auth_run - what the decision of auth.h needs, kept up to date: the files of
 * keys, this machine's addresses, the time; and its events in the log.
 *
 * A file is looked at again when it is used, at most once a second, and read
 * when it changed.  While it is broken or gone the keys of before stay good.
 *
 * Secrets are in this process only: struct conf, which the workers get, has the
 * paths of the files.
 * Context: the main thread.
 */
#ifndef MASTER_AUTH_RUN_H
#define MASTER_AUTH_RUN_H

#include <sys/stat.h>

#include "common/conf.h"
#include "common/ipc.h"
#include "common/reason.h"
#include "common/token.h"
#include "master/auth.h"
#include "master/own.h"

enum { AUTH_PATH = 512 };

struct master;

/* A file of keys that some application names. */
struct key_file {
	struct key_file *next;
	char path[AUTH_PATH];
	struct keys keys;
	bool loaded;	/* keys are of this file */
	bool missed;	/* that it is missing was said */
	struct stat st; /* of what was read last, or tried */
	struct mono looked;
};

struct auth {
	struct key_file *files;
	struct own own;
	char dir[AUTH_PATH]; /* of the configuration */
};

/*
 * Do the files of keys that exist hold keys?  Reads, and keeps nothing.
 * conf_path: of the directory, or the file, of the configuration
 * Returns 0, or -1: faults are on stderr as "file:line: what was expected"
 */
int auth_check(const struct conf *c, const char *conf_path);

/* m->auth.  Returns 0 or -ENOMEM.  Context: start. */
int auth_init(struct master *m);
void auth_fini(struct master *m);

/*
 * Read the files of keys, make those that are missing, and say in the log where
 * encoders publish.  Context: start, with a log and listeners.
 */
void auth_start(struct master *m);

/*
 * May the client of p publish, or play?  Logged.
 * Returns REASON_NONE, or why not
 */
enum reason auth_ask(struct master *m, unsigned slot, enum token_use use,
    const struct ipc_publish *p);

/*
 * The keys that hold for a stream now; NULL if there are none.
 * *f: their file, NULL if the application has none
 */
const struct keys *auth_keys_of(struct master *m, enum token_use use,
    const char *key, size_t keylen, struct key_file **f);

/* May everybody publish, or play, that stream, without a key? */
bool auth_is_open(
    struct master *m, enum token_use use, const char *key, size_t keylen);

/* Seconds since 1970. */
uint64_t auth_wall_s(void);

#endif
