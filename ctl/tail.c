/* sluicectl log tail: the log as people read it, from its end on. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/logline.h"
#include "ctl/text.h"
#include "ctl/verb.h"

enum { LINES = 20, LINES_MAX = 100000, CHUNK = 64 * 1024, LOOK_MS = 500 };

struct tail {
	const struct ctl *c;
	char path[512];
	int fd;
	struct stat st;
	enum log_level least;
	json_int_t client; /* 0: any */
	bool colours;
	char line[LOG_LINE_MAX + 1];
	size_t len;
	bool skip; /* the rest of a line that is too long */
};

static enum ctl_exit
failed(enum ctl_exit rc, const char *what, const char *why)
{
	char safe[TEXT_CELL];
	text_safe(safe, sizeof safe, what, strlen(what));
	fprintf(stderr, "sluicectl: %s: %s\n", safe, why);
	return rc;
}

/* Lines. ----------------------------------------------------------------- */

static enum log_level
level_of(const json_t *j)
{
	const char *s = json_string_value(json_object_get(j, "level"));
	for (int l = LOG_LEVEL_DEBUG; s && l <= LOG_LEVEL_ERROR; l++)
		if (strcmp(s, log_level_name((enum log_level)l)) == 0)
			return (enum log_level)l;
	return LOG_LEVEL_ERROR;
}

static bool
matches(const struct ctl *c, enum option_id o, const json_t *v)
{
	const char *s = json_string_value(v);
	return c->option[o] == NULL || (s && text_match(c->option[o], s));
}

static bool
wanted(const struct tail *t, const json_t *j)
{
	return level_of(j) >= t->least &&
	       matches(t->c, OPTION_EVENT, json_object_get(j, "event")) &&
	       matches(t->c, OPTION_STREAM, json_object_get(j, "stream")) &&
	       (t->client == 0 || json_integer_value(json_object_get(
				      j, "client")) == t->client);
}

static const char *
colour(const struct tail *t, enum log_level l)
{
	static const char *const code[] = { "\x1b[2m", "", "\x1b[32m",
		"\x1b[33m", "\x1b[31m" };
	return t->colours ? code[l] : "";
}

static void
print_line(struct tail *t)
{
	char text[2 * LOG_LINE_MAX];
	json_t *j = logline_parse(t->line, t->len);
	if (j && wanted(t, j)) {
		size_t n = logline_readable(j, text, sizeof text);
		const char *on = colour(t, level_of(j));
		if (t->c->json)
			printf("%.*s\n", (int)t->len, t->line);
		else
			printf("%s%.*s%s\n", on, (int)n - 1, text,
			    *on ? "\x1b[0m" : "");
	}
	json_decref(j);
}

static void
take(struct tail *t, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			if (!t->skip)
				print_line(t);
			t->len = 0;
			t->skip = false;
		} else if (t->len < LOG_LINE_MAX) {
			t->line[t->len++] = p[i];
		} else {
			t->skip = true;
		}
	}
}

/* The file. -------------------------------------------------------------- */

/* Where the last n lines begin. */
static off_t
last_lines(int fd, off_t size, unsigned long n)
{
	static char buf[CHUNK];
	while (size > 0) {
		off_t from = size > CHUNK ? size - CHUNK : 0;
		ssize_t got = pread(fd, buf, (size_t)(size - from), from);
		for (ssize_t i = got - 1; i >= 0; i--)
			if (buf[i] == '\n' && n-- == 0)
				return from + i + 1;
		size = got > 0 ? from : 0;
	}
	return 0;
}

static int
open_file(struct tail *t)
{
	t->fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (t->fd < 0 || fstat(t->fd, &t->st) != 0)
		return -errno;
	return 0;
}

static void
read_on(struct tail *t)
{
	static char buf[CHUNK];
	ssize_t n;
	while ((n = read(t->fd, buf, sizeof buf)) > 0)
		take(t, buf, (size_t)n);
	fflush(stdout);
}

/* The file was moved away, or cut: begin with what is there now. */
static void
look_again(struct tail *t)
{
	struct stat now;
	if (stat(t->path, &now) != 0)
		return; /* between two names */
	bool moved = now.st_ino != t->st.st_ino || now.st_dev != t->st.st_dev;
	bool cut = !moved && now.st_size < lseek(t->fd, 0, SEEK_CUR);
	if (!moved && !cut)
		return;
	read_on(t);
	close(t->fd);
	t->len = 0;
	if (open_file(t) != 0)
		t->fd = -1;
}

static void
follow(struct tail *t)
{
	int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char events[4096];
	(void)inotify_add_watch(in, t->path, IN_MODIFY | IN_MOVE_SELF);
	while (!ferror(stdout)) {
		struct pollfd p = { .fd = in, .events = POLLIN };
		ino_t was = t->st.st_ino;
		(void)poll(&p, 1, LOOK_MS);
		while (read(in, events, sizeof events) > 0)
			;
		if (t->fd >= 0)
			read_on(t);
		look_again(t);
		if (t->fd < 0 && open_file(t) != 0)
			t->fd = -1;
		if (t->fd >= 0 && t->st.st_ino != was)
			(void)inotify_add_watch(
			    in, t->path, IN_MODIFY | IN_MOVE_SELF);
	}
}

/* Command. --------------------------------------------------------------- */

static enum ctl_exit
find_file(struct tail *t)
{
	char err[4 * TEXT_CELL];
	json_t *a;
	const char *file = t->c->option[OPTION_FILE];
	if (file) {
		snprintf(t->path, sizeof t->path, "%s", file);
		return CTL_DONE;
	}
	json_t *req = json_pack("{s:s}", "command", "attach");
	enum ctl_exit rc = attach_ask(t->c->run, req, &a, err, sizeof err);
	if (rc != CTL_DONE) {
		fprintf(stderr,
		    "sluicectl: %s\nwithout a server: log tail --file FILE\n",
		    err);
		return rc;
	}
	const char *log = json_string_value(json_object_get(a, "log"));
	snprintf(t->path, sizeof t->path, "%s", log ? log : "");
	json_decref(a);
	if (t->path[0] == '/')
		return CTL_DONE;
	return failed(CTL_REFUSED, t->path,
	    strcmp(t->path, "syslog") == 0
		? "the log goes there: journalctl -f -t sluice"
		: "the log goes there, not to a file (Server.xml, "
		  "Logging/File); under systemd: journalctl -f -u sluice");
}

/* Returns the number of lines to begin with, or -1 after complaining. */
static long
parse_options(struct tail *t)
{
	const char *level = t->c->option[OPTION_LEVEL],
		   *lines = t->c->option[OPTION_LINES],
		   *client = t->c->option[OPTION_CLIENT];
	char *end = NULL;
	int l = LOG_LEVEL_DEBUG;
	while (level && l <= LOG_LEVEL_ERROR &&
	       strcmp(level, log_level_name((enum log_level)l)) != 0)
		l++;
	t->least = (enum log_level)l;
	long n = lines ? strtol(lines, &end, 10) : LINES;
	if (l > LOG_LEVEL_ERROR)
		(void)failed(CTL_USAGE, "--level",
		    "expected debug, info, notice, warning or error");
	else if (end && (*end || end == lines || n < 0 || n > LINES_MAX))
		(void)failed(CTL_USAGE, "--lines", "expected a number");
	else if (client && (t->client = strtoll(client, &end, 10)) <= 0)
		(void)failed(CTL_USAGE, "--client", "expected an id");
	else
		return n;
	return -1;
}

enum ctl_exit
verb_log_tail(const struct ctl *c)
{
	static struct tail t;
	t.c = c;
	const char *plain = getenv("NO_COLOR");
	t.colours = isatty(STDOUT_FILENO) && !(plain && *plain);
	long n = parse_options(&t);
	if (n < 0)
		return CTL_USAGE;
	enum ctl_exit rc = find_file(&t);
	if (rc != CTL_DONE)
		return rc;
	int r = open_file(&t);
	if (r == -EACCES)
		return failed(CTL_REFUSED, t.path,
		    "permission denied: use sudo, or add yourself to the "
		    "group of the file");
	if (r != 0)
		return failed(CTL_REFUSED, t.path, strerror(-r));
	(void)lseek(
	    t.fd, last_lines(t.fd, t.st.st_size, (unsigned long)n), SEEK_SET);
	read_on(&t);
	if (c->option[OPTION_FOLLOW])
		follow(&t);
	return CTL_DONE;
}
