/* The bytes of a configuration file: see conf_reader.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bug.h"
#include "master/conf_reader.h"

/* Returns the length, or -errno; -ENOTBLK: no file, no directory. */
static ssize_t
read_all(int fd, char **bytes)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTBLK;
	if (st.st_size > CONF_FILE_MAX)
		return -EFBIG;
	char *p = malloc(CONF_FILE_MAX + 1);
	bug_on(p == NULL);
	ssize_t n = read(fd, p, CONF_FILE_MAX);
	if (n < 0) {
		n = -errno;
		free(p);
		return n;
	}
	p[n] = '\0';
	*bytes = p;
	return n;
}

ssize_t
conf_slurp(struct conf_reader *r, char **bytes)
{
	struct stat st;
	int fd = open(r->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR) &&
	    lstat(r->file, &st) != 0)
		return -ENOENT;
	ssize_t n = fd < 0 ? -errno : read_all(fd, bytes);
	if (fd >= 0)
		close(fd);
	if (n >= 0)
		return n;
	conf_fault(r, 1, NULL, "expected a readable file below 1 MiB: %s",
	    n == -ENOENT    ? "a symbolic link that leads nowhere"
	    : n == -ENOTBLK ? "it is no regular file"
			    : strerror((int)-n));
	return n;
}

void
conf_read_ini(struct conf_reader *r, const char *dir, const char *name)
{
	char path[CONF_PATH], err[160], *bytes = NULL;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	r->file = path;
	ssize_t n = conf_slurp(r, &bytes);
	char *line = bytes;
	if (n >= 0 && strlen(bytes) != (size_t)n) {
		conf_fault(r, 1, NULL,
		    "expected text in UTF-8 (there are NUL bytes in it)");
		line = NULL;
	} else if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		line += 3; /* a byte order mark */
	}
	for (int number = 1; line != NULL; number++) {
		char *next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (conf_vars_line(&r->vars, line, err, sizeof err) != 0)
			conf_fault(r, number, NULL, "expected %s", err);
		line = next;
	}
	free(bytes);
	r->file = NULL;
}

/* Words at the beginning of a line that no file of ours begins one with. */
static const struct {
	const char *word, *server;
} foreign[] = { { "events", "nginx" }, { "http", "nginx" },
	{ "worker_processes", "nginx" }, { "rtmp", "nginx" },
	{ "load_module", "nginx" }, { "listen", "SRS" }, { "vhost", "SRS" },
	{ "max_connections", "SRS" }, { "srs_log_tank", "SRS" },
	{ "http_api", "SRS" }, { "rtc_server", "SRS" } };

/* The server whose word the line begins with: WORD { or WORD VALUE; */
static const char *
server_of(const char *line, size_t len)
{
	size_t n = strspn(line, " \t\r");
	line += n < len ? n : len;
	len -= n < len ? n : len;
	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
		len--;
	if (len == 0 || (line[len - 1] != '{' && line[len - 1] != ';'))
		return NULL;
	n = strcspn(line, " \t\r{;");
	for (unsigned i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (strlen(foreign[i].word) == n &&
		    memcmp(foreign[i].word, line, n) == 0)
			return foreign[i].server;
	return NULL;
}

void
conf_foreign(struct conf_reader *r, int line, const char *server)
{
	conf_fault(r, line, NULL,
	    "expected a configuration of Sluice: this is one of %s; README.md, "
	    "\"Coming from another server\", says what becomes of it",
	    server);
}

bool
conf_is_foreign(struct conf_reader *r, const char *bytes)
{
	int number = 1;
	if (bytes[strspn(bytes, " \t\r\n")] == '<')
		return false;
	for (const char *line = bytes; *line; number++) {
		size_t len = strcspn(line, "\n");
		const char *server = server_of(line, len);
		if (server != NULL) {
			conf_foreign(r, number, server);
			return true;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}
