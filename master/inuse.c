/*
 * Who listens on a port: the inode in /proc/net/tcp{,6}, then the process
 * whose descriptor is that socket.  See listen.h.
 */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/listen.h"

enum { TCP_STATE_LISTEN = 0x0a };

/* Does a listener on addr (hex, as in /proc/net/tcp) clash with host? */
static bool
clashes(const char *hex, const char *host)
{
	char want[40] = "";
	uint32_t w[4] = { 0 };
	bool v6 = strlen(hex) == 32;
	if (hex[strspn(hex, "0")] == '\0')
		return true; /* it has every address */
	if (strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0)
		return true;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, host, w) != 1)
		return false;
	for (unsigned i = 0; i < (v6 ? 4U : 1U); i++)
		snprintf(want + 8 * i, 9, "%08" PRIX32, w[i]);
	return strcmp(hex, want) == 0;
}

static uint64_t
inode_in(const char *path, const char *host, unsigned port)
{
	char line[512], addr[40];
	unsigned p, state;
	unsigned long long inode;
	uint64_t found = 0;
	FILE *f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof line, f))
		if (sscanf(line,
			" %*d: %39[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x "
			"%*s %*s %*s %*s %*s %llu",
			addr, &p, &state, &inode) == 4 &&
		    state == TCP_STATE_LISTEN && p == port &&
		    clashes(addr, host))
			found = inode;
	if (f)
		fclose(f);
	return found;
}

static bool
has_socket(const char *pid, const char *link)
{
	char path[300], target[64];
	bool found = false;
	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	DIR *d = opendir(path);
	if (!d)
		return false;
	for (struct dirent *e; !found && (e = readdir(d));) {
		ssize_t n =
		    readlinkat(dirfd(d), e->d_name, target, sizeof target - 1);
		if (n > 0) {
			target[n] = '\0';
			found = strcmp(target, link) == 0;
		}
	}
	closedir(d);
	return found;
}

static void
name_of(const char *pid, char *buf, size_t len)
{
	char path[300], comm[64] = "?";
	snprintf(path, sizeof path, "/proc/%s/comm", pid);
	FILE *f = fopen(path, "re");
	if (f) {
		if (fgets(comm, sizeof comm, f))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
	}
	for (char *s = comm; *s; s++)
		if (!isprint((unsigned char)*s))
			*s = '?';
	snprintf(buf, len, "%s (pid %s)", comm, pid);
}

void
listen_who(const char *host, unsigned port, char *buf, size_t len)
{
	char link[64];
	bool v6 = strchr(host, ':') != NULL;
	snprintf(buf, len, "another program (run as root to learn which)");
	uint64_t inode =
	    inode_in(v6 ? "/proc/net/tcp6" : "/proc/net/tcp", host, port);
	if (!inode)
		/* a socket of [::] without IPV6_V6ONLY has IPv4 as well */
		inode = inode_in(
		    v6 ? "/proc/net/tcp" : "/proc/net/tcp6", host, port);
	if (!inode)
		return;
	snprintf(link, sizeof link, "socket:[%" PRIu64 "]", inode);
	DIR *d = opendir("/proc");
	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		if (isdigit((unsigned char)e->d_name[0]) &&
		    has_socket(e->d_name, link)) {
			name_of(e->d_name, buf, len);
			break;
		}
	closedir(d);
}
