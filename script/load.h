/*
 * load - run a file of a script, statement by statement: one that fails is
 * logged with file and line and left out, the rest goes on.  Functions and the
 * names of variables are declared first, as if the file were run in one piece.
 * Context: sluice-script, one thread.
 */
#ifndef SCRIPT_LOAD_H
#define SCRIPT_LOAD_H

#include <stddef.h>

struct inst;

enum { LOAD_BYTES_MAX = 4 << 20 };

/*
 * Run the script in `file`.
 * Returns	0, or -errno with err ("main.asc: No such file or directory"): it
 *		cannot be read
 */
int load_file(struct inst *i, const char *file, char *err, size_t errlen);

/*
 * load() of a script: name, beside the file that loads it, or in the directories
 * of host->lib.  Returns as above.
 */
int load_by_name(struct inst *i, const char *name, char *err, size_t errlen);

/* Run text, which file `name` has. */
void load_text(struct inst *i, const char *name, const char *text, size_t len);

#endif
