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

ssize_t
conf_slurp(struct conf_reader *r, char **bytes)
{
	int fd = open(r->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return -ENOENT;
	struct stat st;
	int err = fd < 0 || fstat(fd, &st) != 0 ? errno : 0;
	if (!err && !S_ISREG(st.st_mode))
		err = EISDIR;
	if (!err && st.st_size > CONF_FILE_MAX)
		err = EFBIG;
	ssize_t n = 0;
	if (!err) {
		*bytes = malloc(CONF_FILE_MAX + 1);
		bug_on(!*bytes);
		n = read(fd, *bytes, CONF_FILE_MAX);
		err = n < 0 ? errno : 0;
		(*bytes)[n < 0 ? 0 : n] = '\0';
		if (err) {
			free(*bytes);
			*bytes = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	if (!err)
		return n;
	conf_fault(r, 1, NULL, "expected a readable file below 1 MiB: %s",
	    strerror(err));
	return -err;
}

void
conf_read_ini(struct conf_reader *r, const char *dir, const char *name)
{
	char path[CONF_PATH], err[160], *bytes = NULL;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	r->file = path;
	if (conf_slurp(r, &bytes) >= 0) {
		int number = 1;
		for (char *line = bytes, *next; line; line = next, number++) {
			next = strchr(line, '\n');
			if (next)
				*next++ = '\0';
			if (conf_vars_line(&r->vars, line, err, sizeof err) !=
			    0)
				conf_fault(r, number, NULL, "expected %s", err);
		}
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
			conf_fault(r, number, NULL,
			    "expected a configuration of Sluice: this is one "
			    "of %s; README.md, \"Coming from another server\", "
			    "says what becomes of it",
			    server);
			return true;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}
