#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/cost.h"

static int
complain(const char *path, int err)
{
	fprintf(stderr, "sluice-bench: %s: %s%s\n", path, strerror(err),
	    err == EACCES   ? " (run as the user of the server, or as root)"
	    : err == ENOENT ? " (is the process still there?)"
			    : "");
	return -err;
}

/* proc(5): utime and stime are fields 14 and 15; the name may hold blanks. */
static int
add_cpu(struct cost *c, int pid)
{
	char path[64];
	char line[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return complain(path, errno);
	size_t n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = '\0';
	const char *p = strrchr(line, ')');
	uint64_t user, system;
	if (p == NULL || sscanf(p + 1,
			     " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			     "%*s %" SCNu64 " %" SCNu64,
			     &user, &system) != 2)
		return complain(path, EBADMSG);
	c->cpu_s += (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	return 0;
}

static int
add_memory(struct cost *c, int pid)
{
	char path[64];
	char line[256];
	uint64_t kb;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return complain(path, errno);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pss: %" SCNu64, &kb) == 1)
			c->pss_kb += kb;
		else if (sscanf(line, "Pss_Shmem: %" SCNu64, &kb) == 1)
			c->shm_kb += kb;
	int err = ferror(f) ? errno : 0;
	fclose(f);
	return err != 0 ? complain(path, err) : 0;
}

/* "TCP: inuse 9 orphan 0 tw 0 alloc 11 mem 5", mem in pages. */
static void
add_sockets(struct cost *c)
{
	char line[256];
	FILE *f = fopen("/proc/net/sockstat", "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *mem = strstr(line, " mem ");
		uint64_t pages;
		if (strncmp(line, "TCP:", 4) == 0 && mem != NULL &&
		    sscanf(mem, " mem %" SCNu64, &pages) == 1)
			c->sock_kb =
			    pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	}
	fclose(f);
}

int
cost_read_cpu(struct cost *c, const struct options_pids *pids)
{
	int err = 0;
	c->cpu_s = 0;
	for (uint32_t i = 0; err == 0 && i < pids->count; i++)
		err = add_cpu(c, pids->pid[i]);
	return err;
}

int
cost_read(struct cost *c, const struct options_pids *pids)
{
	int err = cost_read_cpu(c, pids);
	c->pss_kb = c->shm_kb = c->sock_kb = 0;
	for (uint32_t i = 0; err == 0 && i < pids->count; i++)
		err = add_memory(c, pids->pid[i]);
	add_sockets(c);
	return err;
}
