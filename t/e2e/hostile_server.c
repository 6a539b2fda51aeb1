#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/e2e/hostile.h"

/* Children of the master, as the kernel lists them. */
static bool
children(const struct server *s, char *out, size_t cap)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)s->master,
	    (int)s->master);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		return false;
	size_t n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	fclose(f);
	return n > 0;
}

bool
server_init(struct server *s)
{
	return children(s, s->pids, sizeof s->pids);
}

bool
server_same_pids(const struct server *s)
{
	char now[sizeof s->pids];
	return kill(s->master, 0) == 0 && children(s, now, sizeof now) &&
	       strcmp(now, s->pids) == 0;
}

json_t *
server_counters(const struct server *s)
{
	char command[512];
	/* a sanitizer's search for leaks would take longer than the rest */
	snprintf(command, sizeof command,
	    "ASAN_OPTIONS=detect_leaks=0 '%s' -r '%s' server status -j", s->ctl,
	    s->run);
	FILE *f = popen(command, "r");
	if (f == NULL)
		return NULL;
	json_t *all = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
	pclose(f);
	json_t *counters = json_incref(json_object_get(all, "counters"));
	json_decref(all);
	return counters;
}

/* Has the connection from this address been closed? */
bool
server_closed(const struct server *s, const char *addr)
{
	char path[512], want[48], line[4096];
	bool found = false;
	snprintf(path, sizeof path, "%s/sluice.log", s->run);
	snprintf(want, sizeof want, "\"%s\"", addr);
	FILE *f = fopen(path, "r");
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		found = strstr(line, "client.close") != NULL &&
			strstr(line, want) != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

uint64_t
counter_of(const json_t *counters, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(counters, name));
}

/* The number behind key in a file of /proc. */
static uint64_t
kb_of(const char *pid, const char *key)
{
	char path[64], line[256];
	uint64_t v = 0;
	snprintf(path, sizeof path, "/proc/%s/status", pid);
	FILE *f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			v = strtoull(line + strlen(key), NULL, 10);
	if (f != NULL)
		fclose(f);
	return v;
}

static uint64_t
ticks_of(const char *pid)
{
	char path[64], line[1024];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		return 0;
	const char *p =
	    fgets(line, sizeof line, f) != NULL ? strrchr(line, ')') : NULL;
	if (p != NULL)
		(void)!sscanf(p + 2,
		    "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		    &user, &system);
	fclose(f);
	return user + system;
}

static uint64_t
sum(const struct server *s, bool cpu)
{
	char pids[sizeof s->pids], *save = NULL;
	uint64_t total = 0;
	snprintf(pids, sizeof pids, "%s", s->pids);
	for (char *pid = strtok_r(pids, " \n", &save); pid != NULL;
	     pid = strtok_r(NULL, " \n", &save))
		total += cpu ? ticks_of(pid) : kb_of(pid, "RssAnon:");
	return total;
}

uint64_t
server_kb(const struct server *s)
{
	return sum(s, false);
}

uint64_t
server_cpu_ms(const struct server *s)
{
	return sum(s, true) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}
