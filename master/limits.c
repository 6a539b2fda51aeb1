#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "master/limits.h"
#include "shm/block.h"
#include "shm/seats.h"
#include "shm/slot.h"

#define MIB (UINT64_C(1) << 20)

enum { WORKERS_DEFAULT_MAX = 32 };

/* A number in a small file; 0 if there is none ("max"). */
static uint64_t
number_in(const char *path)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, buf, sizeof buf - 1);
	close(fd);
	return n > 0 ? strtoull(buf, NULL, 10) : 0;
}

/* Least limit of group and all groups around it. */
static uint64_t
least_of(const char *mount, const char *group, const char *file)
{
	char dir[600], path[700];
	uint64_t least = 0;
	snprintf(dir, sizeof dir, "%s%s", mount, group);
	for (size_t n = strlen(mount);;) {
		snprintf(path, sizeof path, "%s/%s", dir, file);
		uint64_t v = number_in(path);
		if (v != 0 && (least == 0 || v < least))
			least = v;
		char *slash = strrchr(dir, '/');
		if (!slash || (size_t)(slash - dir) < n)
			return least;
		*slash = '\0';
	}
}

uint64_t
limits_cgroup_memory(void)
{
	char line[512];
	uint64_t least = 0;
	FILE *f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		char *ctl = strchr(line, ':');
		char *group = ctl ? strchr(ctl + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		uint64_t v = 0;
		if (ctl[1] == '\0')
			v = least_of("/sys/fs/cgroup", group, "memory.max");
		else if (strcmp(ctl + 1, "memory") == 0)
			v = least_of("/sys/fs/cgroup/memory", group,
			    "memory.limit_in_bytes");
		if (v != 0 && (least == 0 || v < least))
			least = v;
	}
	if (f)
		fclose(f);
	return least;
}

static unsigned
cores(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	int n =
	    sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return n > 0 ? (unsigned)n : 1;
}

void
limits_init(struct limits *l)
{
	struct rlimit r = { 1024, 1024 };
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur != r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r) != 0)
			(void)getrlimit(RLIMIT_NOFILE, &r);
	}
	l->files = r.rlim_cur;
	l->cores = cores();
	l->memory =
	    (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t group = limits_cgroup_memory();
	if (group != 0 && group < l->memory)
		l->memory = group;
}

void
limits_oom(char *buf, size_t len)
{
	static const char path[] = "/proc/self/oom_score_adj";
	char old[16] = "0";
	int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, old, sizeof old - 1) : 0;
	old[n > 0 ? n : 1] = '\0';
	long was = strtol(old, NULL, 10);
	bool lowered = fd >= 0 && was > -900 && pwrite(fd, "-900", 4, 0) == 4;
	if (fd >= 0)
		close(fd);
	snprintf(buf, len, "%ld", lowered || was > 900 ? was : was + 100);
}

/* The largest MaxStreamSize of all applications. */
static int64_t
largest_ring(const struct conf *c)
{
	int64_t most = 0;
	for (uint32_t i = 0; i < c->napps; i++)
		if (conf_app(c, i)->stream_bytes > most)
			most = conf_app(c, i)->stream_bytes;
	return most;
}

int
limits_apply(const struct limits *l, struct conf *c, char *err, size_t errlen)
{
	if (c->workers == 0)
		c->workers = l->cores < WORKERS_DEFAULT_MAX
				 ? l->cores
				 : WORKERS_DEFAULT_MAX;
	if (c->arena_bytes == 0) {
		uint64_t bytes = l->memory / 4;
		if (bytes > 4096 * MIB)
			bytes = 4096 * MIB;
		c->arena_bytes = (int64_t)(bytes & ~(MIB - 1));
	}
	if (c->arena_bytes < largest_ring(c)) {
		snprintf(err, errlen,
		    "expected at least MaxStreamSize of Application.xml, "
		    "%" PRId64 " MiB, not %" PRId64,
		    largest_ring(c) >> 20, c->arena_bytes >> 20);
		return -1;
	}
	if ((uint64_t)c->arena_bytes > l->memory) {
		snprintf(err, errlen,
		    "expected at most the memory of this machine or control "
		    "group, %" PRIu64 " MiB, not %" PRId64,
		    l->memory >> 20, c->arena_bytes >> 20);
		return -1;
	}
	return 0;
}

static uint64_t
file_clients(const struct limits *l)
{
	return l->files > LIMITS_FILES_KEPT + 16 ? l->files - LIMITS_FILES_KEPT
						 : 16;
}

uint32_t
limits_clients(const struct limits *l, const struct conf *c)
{
	uint64_t n = file_clients(l);
	return (uint32_t)(n < (uint64_t)c->max_clients
			      ? n
			      : (uint64_t)c->max_clients);
}

uint32_t
limits_streams(const struct conf *c)
{
	int64_t fit = c->arena_bytes / largest_ring(c);
	return (uint32_t)(fit < c->max_streams ? fit : c->max_streams);
}

void
limits_words(
    const struct limits *l, const struct conf *c, char *buf, size_t len)
{
	char clients[160], streams[160];
	if (file_clients(l) < (uint64_t)c->max_clients)
		snprintf(clients, sizeof clients,
		    "open files, %" PRIu64 " per process (ulimit -n, "
		    "LimitNOFILE)",
		    l->files);
	else
		snprintf(clients, sizeof clients,
		    "MaxClientsPerWorker %" PRId64, c->max_clients);
	if (limits_streams(c) < c->max_streams)
		snprintf(streams, sizeof streams,
		    "ArenaSize %" PRId64 " MiB at %" PRId64
		    " MiB for a full ring",
		    c->arena_bytes >> 20, largest_ring(c) >> 20);
	else
		snprintf(streams, sizeof streams, "MaxStreams %" PRId64,
		    c->max_streams);
	snprintf(buf, len, "clients: %s; streams: %s", clients, streams);
}

/* Lay a range out from word `at`; returns the word behind it. */
static uint32_t
place(struct seat_range *r, uint32_t at, int64_t count)
{
	r->first = at;
	r->count = (uint32_t)count;
	return at + (uint32_t)seats_words(r->count);
}

uint32_t
limits_seats(struct conf *c)
{
	uint32_t at = 0;
	at = place(&c->seats[SEAT_WAITING], at, c->max_waiting);
	for (uint32_t i = 0; i < c->nvhosts; i++) {
		struct conf_vhost *v = conf_vhost(c, i);
		at = place(&v->seats, at, v->max_connections);
	}
	return at;
}
