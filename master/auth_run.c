#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cidr.h"
#include "common/log.h"
#include "master/auth_ctl.h"
#include "master/auth_run.h"
#include "master/master.h"

enum { LOOK_MS = 1000, TEXT = 768 };

/* What an application says about one use. */
struct said {
	const char *allow, *deny, *file;
};

static struct said
said_by(const struct conf_app *a, enum token_use use)
{
	if (use == TOKEN_PLAY)
		return (
		    struct said){ a->play_allow, a->play_deny, a->play_keys };
	return (
	    struct said){ a->publish_allow, a->publish_deny, a->publish_keys };
}

/* The application of a stream. */
static struct said
said_of(
    const struct master *m, enum token_use use, const char *key, size_t keylen)
{
	return said_by(conf_key_app(m->conf, key, keylen), use);
}

uint64_t
auth_wall_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec > 0 ? (uint64_t)t.tv_sec : 0;
}

/* Paths. ----------------------------------------------------------------- */

/* The directory of the configuration. */
static void
conf_dir(const char *path, char dir[AUTH_PATH])
{
	struct stat st;
	snprintf(dir, AUTH_PATH, "%s", path);
	if (stat(path, &st) != 0 || S_ISDIR(st.st_mode))
		return;
	char *slash = strrchr(dir, '/');
	if (slash == NULL)
		snprintf(dir, AUTH_PATH, ".");
	else if (slash > dir)
		*slash = '\0';
}

/* Returns false if that is too long: both parts are below 256 bytes. */
static bool
key_path(const char *dir, const char *file, char path[AUTH_PATH])
{
	int n = file[0] == '/' ? snprintf(path, AUTH_PATH, "%s", file)
			       : snprintf(path, AUTH_PATH, "%s/%s", dir, file);
	return n > 0 && n < AUTH_PATH;
}

/* Texts. ----------------------------------------------------------------- */

/* What to do about a file that cannot be read; err has what is wrong. */
static void
remedy(const char *path, int r, const char *err, char *text, size_t len)
{
	if (r == -EACCES)
		snprintf(text, len,
		    "%s (give it to the user that starts sluice: chown USER "
		    "%s; chmod 640 %s)",
		    err, path, path);
	else if (r > 0)
		snprintf(text, len, "%s (see sluice.keys(5))", err);
	else
		snprintf(text, len, "%s", err);
}

static void
fault(const struct key_file *f, int r, const char *err)
{
	char text[2 * TEXT];
	remedy(f->path, r, err, text, sizeof text);
	LOG(auth_fault, .file = f->path, .line = { r > 0, r }, .text = text);
}

static void
warn(const struct key_file *f, const char *text)
{
	LOG_AT(LOG_LEVEL_WARNING, auth_fault, .file = f->path, .text = text);
}

static void
say_missing(struct key_file *f)
{
	char text[2 * TEXT];
	if (f->missed)
		return;
	f->missed = true;
	if (f->loaded)
		snprintf(text, sizeof text,
		    "it is gone; the keys that were read before stay good "
		    "(an empty file has none)");
	else
		snprintf(text, sizeof text,
		    "it cannot be made: whoever needs a key is refused until "
		    "it is there: echo \"* key $(openssl rand -hex 16)\" >%s; "
		    "chmod 640 %s",
		    f->path, f->path);
	warn(f, text);
}

static void
look_at_mode(const struct key_file *f)
{
	char text[TEXT];
	if ((f->st.st_mode & 0007) == 0)
		return;
	snprintf(text, sizeof text,
	    "everybody on this machine may read it: chmod o= %s", f->path);
	warn(f, text);
}

/* Files. ----------------------------------------------------------------- */

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mode == b->st_mode &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void
load(struct key_file *f, bool created)
{
	struct keys k;
	struct stat st = { 0 };
	char err[256];
	if (stat(f->path, &st) != 0) {
		say_missing(f);
		return;
	}
	if (same_file(&st, &f->st))
		return;
	f->missed = false;
	int r = keys_read(f->path, &k, &st, err, sizeof err);
	f->st = st; /* what is broken is not read again before it changes */
	if (r != 0) {
		fault(f, r, err);
		return;
	}
	keys_free(&f->keys);
	f->keys = k;
	f->loaded = true;
	LOG(auth_keys, .file = f->path, .keys = k.n, .created = created);
	look_at_mode(f);
}

static struct key_file *
find(struct auth *a, const char *file)
{
	char path[AUTH_PATH];
	if (!key_path(a->dir, file, path))
		return NULL;
	for (struct key_file *f = a->files; f != NULL; f = f->next)
		if (strcmp(f->path, path) == 0)
			return f;
	struct key_file *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	memcpy(f->path, path, sizeof path);
	f->next = a->files;
	a->files = f;
	return f;
}

const struct keys *
auth_keys_of(struct master *m, enum token_use use, const char *key,
    size_t keylen, struct key_file **f)
{
	struct said s = said_of(m, use, key, keylen);
	struct mono now = clock_now();
	*f = s.file[0] != '\0' ? find(m->auth, s.file) : NULL;
	if (*f == NULL)
		return NULL;
	if ((*f)->looked.ns == 0 ||
	    mono_ms_since((*f)->looked, now) >= LOOK_MS) {
		(*f)->looked = now;
		load(*f, false);
	}
	return (*f)->loaded ? &(*f)->keys : NULL;
}

bool
auth_is_open(
    struct master *m, enum token_use use, const char *key, size_t keylen)
{
	return cidr_list_has_all(said_of(m, use, key, keylen).allow);
}

/* Start. ----------------------------------------------------------------- */

static int
check_file(const char *dir, const char *file)
{
	char path[AUTH_PATH], err[256], text[2 * TEXT];
	struct keys k;
	struct stat st;
	if (file[0] == '\0' || !key_path(dir, file, path))
		return 0;
	int r = keys_read(path, &k, &st, err, sizeof err);
	keys_free(&k);
	if (r == 0 || r == -ENOENT || r == -ENOTDIR)
		return 0;
	remedy(path, r, err, text, sizeof text);
	if (r > 0)
		fprintf(stderr, "%s:%d: %s\n", path, r, text);
	else
		fprintf(stderr, "%s: %s\n", path, text);
	return -1;
}

/* Most applications have the files of the one before, or of the first. */
static bool
is_news(const struct conf *c, uint32_t i, const char *file)
{
	const struct conf_app *first = conf_app(c, 0),
			      *before = i > 0 ? conf_app(c, i - 1) : NULL;
	return before == NULL || (strcmp(file, first->publish_keys) != 0 &&
				     strcmp(file, first->play_keys) != 0 &&
				     strcmp(file, before->publish_keys) != 0 &&
				     strcmp(file, before->play_keys) != 0);
}

int
auth_check(const struct conf *c, const char *conf_path)
{
	char dir[AUTH_PATH];
	int r = 0;
	conf_dir(conf_path, dir);
	for (uint32_t i = 0; i < c->napps; i++) {
		const struct conf_app *a = conf_app(c, i);
		const char *p = a->publish_keys, *q = a->play_keys;
		if (is_news(c, i, p) && check_file(dir, p) != 0)
			r = -1;
		if (is_news(c, i, q) && strcmp(p, q) != 0 &&
		    check_file(dir, q) != 0)
			r = -1;
	}
	return r;
}

int
auth_init(struct master *m)
{
	m->auth = calloc(1, sizeof *m->auth);
	if (m->auth == NULL)
		return -ENOMEM;
	conf_dir(m->conf_path, m->auth->dir);
	return 0;
}

void
auth_fini(struct master *m)
{
	struct key_file *f;
	while ((f = m->auth->files) != NULL) {
		m->auth->files = f->next;
		keys_free(&f->keys);
		free(f);
	}
	own_free(&m->auth->own);
	free(m->auth);
	m->auth = NULL;
}

static void
start_use(struct master *m, const struct conf_app *app, enum token_use use)
{
	struct said s = said_by(app, use);
	/* where everybody may, a key says nothing */
	if (s.file[0] == '\0' || cidr_list_has_all(s.allow))
		return;
	struct key_file *f = find(m->auth, s.file);
	if (f == NULL || f->looked.ns != 0)
		return;
	f->looked = clock_now();
	int r = keys_create(f->path);
	if (r != 0 && r != -EEXIST && access(f->path, F_OK) != 0)
		say_missing(f);
	else
		load(f, r == 0);
}

static const struct conf_app *
live_app(const struct master *m)
{
	const struct conf_app *a =
	    conf_find_app(m->conf, conf_vhost(m->conf, 0), span_of("live"));
	return a != NULL ? a : conf_app(m->conf, 0);
}

static void
say_where(struct master *m)
{
	char server[256], text[TEXT];
	struct said s = said_by(live_app(m), TOKEN_PUBLISH);
	struct key_file *f = NULL;
	if (s.file[0] != '\0' && !cidr_list_has_all(s.allow))
		f = find(m->auth, s.file);
	auth_server(m, "live", NULL, server, sizeof server);
	if (f != NULL)
		snprintf(text, sizeof text,
		    "without a key from: %s; from elsewhere with one: "
		    "sluicectl stream url live/NAME shows it",
		    s.allow[0] ? s.allow : "nowhere");
	else
		snprintf(text, sizeof text,
		    "without a key from: %s; from nowhere else",
		    s.allow[0] ? s.allow : "nowhere");
	LOG(server_publish, .server = server, .file = f ? f->path : NULL,
	    .text = text);
}

void
auth_start(struct master *m)
{
	for (uint32_t i = 0; i < m->conf->napps; i++) {
		start_use(m, conf_app(m->conf, i), TOKEN_PUBLISH);
		start_use(m, conf_app(m->conf, i), TOKEN_PLAY);
	}
	say_where(m);
}

/* Asking. ---------------------------------------------------------------- */

static struct span
part(const struct ipc_publish *p, unsigned i)
{
	return directory_part(p->key, p->keylen, i);
}

static void
log_answer(const struct ipc_publish *p, enum token_use use,
    const struct auth_answer *a, const char *file, uint64_t now)
{
	struct span addr = { p->addr, strnlen(p->addr, sizeof p->addr) };
	struct log_maybe line = { a->line != 0, a->line },
			 left = { a->expires != 0,
				 (int64_t)(a->expires - now) };
	if (a->why != REASON_NONE)
		LOG(auth_refuse, .use = token_use_name(use),
		    .vhost = part(p, 0), .app = part(p, 1),
		    .instance = part(p, 2), .stream = part(p, 3),
		    .client = p->conn, .addr = addr, .reason = a->why,
		    .text = reason_text(a->why), .file = file, .line = line,
		    .left_s = left);
	else if (a->by != AUTH_BY_ALLOW)
		LOG(auth_accept, .use = token_use_name(use),
		    .vhost = part(p, 0), .app = part(p, 1),
		    .instance = part(p, 2), .stream = part(p, 3),
		    .client = p->conn, .addr = addr, .by = auth_by_name(a->by),
		    .file = file, .line = line, .left_s = left);
}

enum reason
auth_ask(struct master *m, unsigned slot, enum token_use use,
    const struct ipc_publish *p)
{
	struct said s = said_of(m, use, p->key, p->keylen);
	struct addr addr;
	struct key_file *f;
	char text[sizeof p->addr + 1];
	(void)slot;
	memcpy(text, p->addr, sizeof p->addr);
	text[sizeof p->addr] = '\0';
	bool known = addr_parse_peer(text, &addr) == 0;
	own_refresh(&m->auth->own, clock_now());
	struct auth_rules rules = { s.allow, s.deny, s.file[0] != '\0',
		auth_keys_of(m, use, p->key, p->keylen, &f) };
	struct auth_ask ask = { { use, p->key, p->keylen }, p->query,
		p->querylen, known ? &addr : NULL,
		known && own_has(&m->auth->own, &addr), auth_wall_s() };
	struct auth_answer a = auth_decide(&rules, &ask);
	log_answer(p, use, &a, f ? f->path : NULL, ask.now);
	return a.why;
}
