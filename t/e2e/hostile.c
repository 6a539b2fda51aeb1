/*
 * hostile HOST PORT SLUICECTL RUN MASTER-PID [NAME...]
 *
 * Runs every case of hostile_cases.c and hostile_matrix.c, or those named,
 * and prints one JSON object for each: case, ok, why, addr (ours), counter,
 * ms, cpu_ms, kb (growth of the workers).  Cases that wait for a time-out run
 * in processes of their own beside the others.  HOSTILE_SCALE multiplies all
 * limits of time; HOSTILE_MEMORY=0 does not judge memory (sanitizers).
 * Exit 0: all were as expected.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/e2e/hostile.h"

static struct server server;
static const char *host, *port;
static int scale = 1;
static uint32_t number; /* of the case that runs */
static bool judge_memory = true;
static struct peer peer;

static uint64_t
read_counter(const char *name)
{
	json_t *counters = server_counters(&server);
	uint64_t v = counter_of(counters, name);
	json_decref(counters);
	return v;
}

/* The counter was `before`: has it risen, and by exactly one if that is asked? */
static bool
risen(struct peer *p, const char *counter, uint64_t before, bool exact, int ms)
{
	char text[200];
	uint64_t now, until = peer_now_ms() + (uint64_t)ms * (unsigned)scale;
	do {
		json_t *c = server_counters(&server);
		if (c != NULL && json_object_get(c, counter) == NULL) {
			json_decref(c);
			snprintf(text, sizeof text, "there is no counter %s",
			    counter);
			return peer_fail(p, text);
		}
		now = counter_of(c, counter);
		json_decref(c);
		if (now > before && (!exact || now == before + 1))
			return true;
		if (now > before)
			break;
		usleep(20000);
	} while (peer_now_ms() < until);
	snprintf(text, sizeof text, "%s rose by %lld", counter,
	    (long long)(now - before));
	return peer_fail(p, text);
}

static void
await_log(const struct peer *p, int ms)
{
	uint64_t until = peer_now_ms() + (uint64_t)ms * (unsigned)scale;
	while (!server_closed(&server, p->addr) && peer_now_ms() < until)
		usleep(200000);
}

static bool
answered(struct peer *p, const struct hostile_case *c, int ms)
{
	if (c->says != NULL && !peer_wait(p, c->says, strlen(c->says), ms))
		return peer_fail(
		    p, p->ended ? "closed, not answered" : "not answered");
	if (!peer_pong(p, ms))
		return peer_fail(
		    p, p->ended ? "closed, not usable" : "not usable");
	return true;
}

static bool
judge_end(struct peer *p, const struct hostile_case *c, uint64_t before)
{
	int limit = c->within_ms > 0 ? c->within_ms : HOSTILE_TIME_MS;
	/* those that run beside come to other ends than the rest, but leave */
	bool exact = c->within_ms == 0 &&
		     strncmp(c->counter, "closed.", 7) == 0 &&
		     strcmp(c->counter, "closed.peer-closed") != 0;
	switch (c->ending) {
	case END_CLOSED:
		/* nothing of the end is seen by those who do not read */
		if (p->deaf)
			await_log(p, limit);
		if (!peer_wait_end(p, limit))
			return peer_fail(p, "not closed in time");
		break;
	case END_LEFT:
		break;
	case END_SAYS:
	case END_LIVES:
		if (!answered(p, c, limit))
			return false;
		exact = false;
	}
	return risen(p, c->counter, before, exact, limit);
}

/* Leave in peace: when the server has answered our end, it has counted it. */
static void
leave(struct peer *p, const struct hostile_case *c)
{
	if (p->fd < 0)
		return;
	if (c->ending != END_CLOSED || !p->ended) {
		p->deaf = false;
		(void)shutdown(p->fd, SHUT_WR);
		(void)peer_wait_end(p, HOSTILE_TIME_MS);
	}
	peer_close(p, false);
}

static void
judge_server(
    struct peer *p, const struct hostile_case *c, uint64_t cpu_ms, int64_t kb)
{
	char text[100];
	uint64_t cpu = (uint64_t)(c->cpu_ms > 0 ? c->cpu_ms : HOSTILE_CPU_MS);
	if (!server_same_pids(&server))
		(void)peer_fail(p, "A PROCESS OF THE SERVER DIED");
	if (c->within_ms == 0 && cpu_ms > cpu * (unsigned)scale) {
		snprintf(text, sizeof text, "took %llu ms of CPU",
		    (unsigned long long)cpu_ms);
		(void)peer_fail(p, text);
	}
	if (judge_memory && kb > HOSTILE_GROWTH_KB) {
		snprintf(text, sizeof text, "memory grew to %lld kB more",
		    (long long)kb);
		(void)peer_fail(p, text);
	}
}

static void
report(const struct peer *p, const struct hostile_case *c, uint64_t began,
    uint64_t cpu_ms, int64_t kb)
{
	json_t *j = json_pack("{s:s, s:b, s:s, s:s, s:s, s:I, s:I, s:I}",
	    "case", c->name, "ok", p->error[0] == '\0', "why", p->error, "addr",
	    p->addr, "counter", c->counter, "ms",
	    (json_int_t)(peer_now_ms() - began), "cpu_ms", (json_int_t)cpu_ms,
	    "kb", (json_int_t)kb);
	char *line = json_dumps(j, JSON_COMPACT);
	printf("%s\n", line);
	fflush(stdout); /* one write: processes share the pipe */
	free(line);
	json_decref(j);
}

static bool
run_case(const struct hostile_case *c)
{
	struct peer *p = &peer;
	uint64_t began = peer_now_ms(), cpu = server_cpu_ms(&server);
	bool lives = c->ending == END_SAYS || c->ending == END_LIVES;
	/* how often it was closed before, not what the way to it counts */
	uint64_t before = lives ? 0 : read_counter(c->counter);
	peer_init(p, host, port, scale);
	p->name = c->name;
	p->number = number;
	p->rcvbuf = c->rcvbuf;
	if (script_stage(p, c->from)) {
		if (lives)
			before = read_counter(c->counter);
		if (script_run(p, c->script))
			(void)judge_end(p, c, before);
	}
	int64_t kb = (int64_t)(server_kb(&server) - server.base_kb);
	leave(p, c);
	cpu = server_cpu_ms(&server) - cpu;
	judge_server(p, c, cpu, kb);
	report(p, c, began, cpu, kb);
	peer_fini(p);
	return p->error[0] == '\0';
}

static bool
chosen(const struct hostile_case *c, char **names)
{
	if (*names == NULL)
		return true;
	for (; *names != NULL; names++)
		if (strcmp(*names, c->name) == 0)
			return true;
	return false;
}

static void
start_beside(const struct hostile_case *c)
{
	if (fork() == 0)
		_exit(run_case(c) ? 0 : 1);
}

/* beside: those with a time-out of their own, or the others. */
static int
run_all(const struct hostile_case *c, size_t n, char **names, bool beside)
{
	int failed = 0;
	for (size_t i = 0; i < n; i++) {
		number++;
		if (!chosen(&c[i], names) || (c[i].within_ms > 0) != beside)
			continue;
		if (beside)
			start_beside(&c[i]);
		else if (!run_case(&c[i]))
			failed++;
	}
	return failed;
}

int
main(int argc, char **argv)
{
	size_t n;
	int status, failed;
	if (argc < 6) {
		fputs(
		    "usage: hostile HOST PORT SLUICECTL RUN MASTER [NAME...]\n",
		    stderr);
		return 2;
	}
	host = argv[1];
	port = argv[2];
	server.ctl = argv[3];
	server.run = argv[4];
	server.master = (pid_t)strtol(argv[5], NULL, 10);
	if (getenv("HOSTILE_SCALE") != NULL)
		scale = atoi(getenv("HOSTILE_SCALE"));
	if (getenv("HOSTILE_MEMORY") != NULL)
		judge_memory = atoi(getenv("HOSTILE_MEMORY")) != 0;
	if (!server_init(&server)) {
		fputs("hostile: no such server\n", stderr);
		return 2;
	}
	server.base_kb = server_kb(&server);
	const struct hostile_case *matrix = hostile_matrix(&n);
	(void)run_all(hostile_cases, hostile_ncases, argv + 6, true);
	failed = run_all(hostile_cases, hostile_ncases, argv + 6, false);
	failed += run_all(matrix, n, argv + 6, false);
	while (wait(&status) > 0)
		failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	return failed > 0;
}
