#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script/inst.h"
#include "script/load.h"
#include "script/scan.h"

/* Running. ----------------------------------------------------------------- */

struct text {
	struct inst *inst;
	const char *name, *src;
	size_t len;
	struct scan scan;
	char *piece; /* of a statement, behind as many lines as come before */
	size_t piece_len;
};

static duk_ret_t
compile(duk_context *ctx, void *arg)
{
	const struct text *t = arg;
	duk_push_lstring(ctx, t->piece, t->piece_len);
	duk_push_string(ctx, t->name);
	duk_compile(ctx, 0);
	return 1;
}

/* Compile and run the len bytes of piece. */
static void
run(struct text *t, size_t len)
{
	duk_context *ctx = t->inst->heap.ctx;
	t->piece_len = len;
	if (duk_safe_call(ctx, compile, t, 0, 1) != 0)
		inst_fault(t->inst);
	else if (inst_call(t->inst, 0, INST_TOP) == 0)
		duk_pop(ctx);
}

static void
run_statement(struct text *t, const struct scan_statement *st)
{
	size_t len = st->to - st->from;
	memset(t->piece, '\n', st->line - 1);
	memcpy(t->piece + st->line - 1, t->src + st->from, len);
	run(t, st->line - 1 + len);
}

/* Run the declarations of functions, or all the rest. */
static void
run_all(struct text *t, bool functions)
{
	struct scan_statement st;
	scan_init(&t->scan, t->src, t->len);
	while (scan_next(&t->scan, &st))
		if (st.function == functions && !t->inst->host->memory)
			run_statement(t, &st);
}

static void
declare(void *arg, const char *name, size_t len)
{
	struct text *t = arg;
	if (t->inst->host->memory)
		return;
	int n = sprintf(t->piece, "var %.*s;", (int)len, name);
	run(t, (size_t)n);
}

void
load_text(struct inst *i, const char *name, const char *text, size_t len)
{
	struct text *t = calloc(1, sizeof *t);
	/* a statement of line n begins behind n - 1 line ends or more; and
	 * "var ;" is longer than what may stand between two names */
	if (t != NULL)
		t->piece = malloc(len + 16);
	if (t == NULL || t->piece == NULL) {
		free(t);
		i->host->memory = true;
		return;
	}
	t->inst = i;
	t->name = name;
	t->src = text;
	t->len = len;
	scan_vars(text, len, declare, t);
	run_all(t, true);
	run_all(t, false);
	free(t->piece);
	free(t);
}

/* Files. ------------------------------------------------------------------- */

/* Returns bytes, or -errno. */
static long
read_file(const char *file, char **text)
{
	struct stat st;
	FILE *f = fopen(file, "re");
	long r = f == NULL ? -errno : 0;
	if (r == 0 && fstat(fileno(f), &st) != 0)
		r = -errno;
	else if (r == 0 && !S_ISREG(st.st_mode))
		r = -EISDIR;
	else if (r == 0 && st.st_size > LOAD_BYTES_MAX)
		r = -EFBIG;
	if (r == 0 && (*text = malloc((size_t)st.st_size + 1)) == NULL)
		r = -ENOMEM;
	if (r == 0) {
		size_t n = fread(*text, 1, (size_t)st.st_size, f);
		r = ferror(f) ? -EIO : (long)n;
		if (r < 0)
			free(*text);
	}
	if (f != NULL)
		fclose(f);
	return r;
}

int
load_file(struct inst *i, const char *file, char *err, size_t errlen)
{
	char *text = NULL;
	const char *outer = i->loading;
	long len = read_file(file, &text);
	if (len < 0) {
		snprintf(err, errlen, "%s: %s", file, strerror((int)-len));
		return (int)len;
	}
	if (i->loads == INST_LOADS) {
		free(text);
		snprintf(err, errlen, "%s: files load each other", file);
		return -ELOOP;
	}
	i->loads++;
	i->loading = file;
	load_text(i, file, text, (size_t)len);
	i->loading = outer;
	i->loads--;
	free(text);
	return 0;
}

/* dir/name, dir of `len` bytes.  False: too long. */
static bool
join(char path[INST_PATH], const char *dir, size_t len, const char *name)
{
	int n = len == 0
		    ? snprintf(path, INST_PATH, "%s", name)
		    : snprintf(path, INST_PATH, "%.*s/%s", (int)len, dir, name);
	return n > 0 && n < INST_PATH;
}

static bool
may_load(const char *name)
{
	if (name[0] == '/' || name[0] == '\0')
		return false;
	for (const char *p = strstr(name, ".."); p; p = strstr(p + 2, ".."))
		if ((p == name || p[-1] == '/') &&
		    (p[2] == '/' || p[2] == '\0'))
			return false;
	return true;
}

int
load_by_name(struct inst *i, const char *name, char *err, size_t errlen)
{
	char path[INST_PATH];
	const char *by = i->loading ? i->loading : i->host->file;
	const char *slash = strrchr(by, '/'), *lib = i->host->lib;
	if (!may_load(name)) {
		snprintf(err, errlen,
		    "%s: a file is named from the directory of the script, "
		    "without \"..\"",
		    name);
		return -EINVAL;
	}
	if (!join(path, by, slash ? (size_t)(slash - by) : 0, name))
		return snprintf(err, errlen, "%s: too long", name),
		       -ENAMETOOLONG;
	while (access(path, F_OK) != 0 && *lib != '\0') {
		size_t n = strcspn(lib, ";");
		if (n > 0 && !join(path, lib, n, name))
			break;
		lib += n + (lib[n] == ';');
	}
	return load_file(i, path, err, errlen);
}
