/*
 * logout - where the lines of the log go: a file, standard output or
 * syslog(3).  Writes may block: context is the thread of the log writer.
 */
#ifndef MASTER_LOGOUT_H
#define MASTER_LOGOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/conf.h"

enum logout_kind { LOGOUT_FILE, LOGOUT_STDOUT, LOGOUT_SYSLOG };

struct logout {
	enum logout_kind kind;
	char path[256]; /* of the file; else "stdout", "syslog" */
	int fd;		/* -1: none */
	bool failed;	/* the last write: said once */
};

/* What Logging/File means: "-" and "stdout", "syslog", or a path. */
enum logout_kind logout_kind(const char *name);

/*
 * Open.  A file is made with mode 0640 if there is none.
 * Returns	0, or -errno
 */
int logout_open(struct logout *o, const char *path);

/*
 * Append a line; line[len] is its '\n'.  Faults are said on stderr, once until
 * it works again.
 */
void logout_write(
    struct logout *o, enum log_level level, const char *line, size_t len);

/* Open a file again by its name; the others have none. */
void logout_reopen(struct logout *o);

void logout_close(struct logout *o);

#endif
