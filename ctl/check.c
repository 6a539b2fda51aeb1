/*
 * sluicectl server check: what an operator would look at when something does
 * not work, each with its remedy as a command.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/app.h"
#include "ctl/list.h"
#include "ctl/output.h"
#include "ctl/text.h"
#include "ctl/verb.h"

enum result { OK, WARN, FAIL };
enum { SCRIPT_FAULT_S = 3600 };
enum { FILES_WANTED = 65536, BACKLOG_WANTED = 4096, KERNEL = 601 };

struct check {
	const struct ctl *c;
	json_t *list;
	struct attach at; /* when attached */
	bool attached;
	char conf[512], log[512];
	unsigned failed;
};

/* "text" and what to do about it. */
static void say(struct check *k, enum result r, const char *what,
    const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void
say(struct check *k, enum result r, const char *what, const char *remedy,
    const char *fmt, ...)
{
	static const char *const name[] = { "ok", "warn", "fail" };
	char text[TEXT_CELL];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	k->failed += r == FAIL;
	json_array_append_new(k->list,
	    json_pack("{s:s, s:s, s:o, s:o}", "result", name[r], "check", what,
		"text", output_string(text, strlen(text)), "do",
		r == OK || !remedy ? json_null()
				   : output_string(remedy, strlen(remedy))));
}

/* A number in a file of /proc; -1: there is none. */
static long
number_in(const char *path)
{
	char buf[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	return strtol(buf, NULL, 10);
}

static const char *
hello(const struct check *k, const char *member)
{
	const char *s = k->attached ? json_string_value(
					  json_object_get(k->at.hello, member))
				    : NULL;
	return s ? s : "";
}

/* The machine. ----------------------------------------------------------- */

static void
check_kernel(struct check *k)
{
	struct utsname u;
	unsigned a = 0, b = 0;
	if (uname(&u) == 0)
		(void)sscanf(u.release, "%u.%u", &a, &b);
	bool new = a * 100 + b >= KERNEL;
	say(k, new ? OK : FAIL, "kernel",
	    "install a kernel of 6.1 or newer (Debian 12 has one)",
	    "Linux %u.%u", a, b);
	long off = number_in("/proc/sys/kernel/io_uring_disabled");
	say(k,
	    off <= 0   ? OK
	    : off == 1 ? WARN
		       : FAIL,
	    "io_uring", "sudo sysctl -w kernel.io_uring_disabled=0",
	    off <= 0 ? "io_uring may be used"
		     : "kernel.io_uring_disabled is %ld: workers cannot run",
	    off);
}

static void
check_backlog(struct check *k)
{
	long n = number_in("/proc/sys/net/core/somaxconn");
	bool few = n >= 0 && n < BACKLOG_WANTED;
	say(k, few ? WARN : OK, "backlog",
	    "sudo sysctl -w net.core.somaxconn=4096",
	    few ? "net.core.somaxconn is %ld: many who connect at once are "
		  "refused"
		: "net.core.somaxconn is %ld",
	    n);
}

/* "Max open files  SOFT  HARD" of a process. */
static long
files_of(long pid)
{
	char path[64], line[256];
	long n = -1;
	snprintf(path, sizeof path, "/proc/%ld/limits", pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, "Max open files", 14) == 0)
			n = strtol(line + 14, NULL, 10);
	if (f)
		fclose(f);
	return n;
}

static void
check_files(struct check *k)
{
	long pid = k->attached ? (long)k->at.arena.control->master_pid : 0;
	long n = pid ? files_of(pid) : files_of((long)getpid());
	bool few = n >= 0 && n < FILES_WANTED;
	say(k, few ? WARN : OK, "open files",
	    "LimitNOFILE=1048576 in the unit, or ulimit -n 1048576 before the "
	    "start",
	    few ? "%ld per process: about so many clients per worker"
		: "%ld per process",
	    n);
}

static uint64_t
memory_total(void)
{
	char line[256];
	unsigned long long kb = 0;
	FILE *f = fopen("/proc/meminfo", "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemTotal: %llu kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return (uint64_t)kb << 10;
}

static void
check_memory(struct check *k)
{
	char total[64], limit[64];
	uint64_t all = memory_total(), used = 0;
	if (!k->attached)
		return;
	const struct arena *a = &k->at.arena;
	uint64_t most = a->control->budget_segs;
	for (unsigned i = 0; i < a->nslots; i++)
		used += arena_segments_used(a, i);
	text_bytes(total, sizeof total, all);
	text_bytes(limit, sizeof limit, most << SEGMENT_SHIFT);
	bool large = all > 0 && (most << SEGMENT_SHIFT) > all / 10 * 8;
	say(k, large ? WARN : OK, "memory",
	    "a smaller ResourceLimits/ArenaSize in Server.xml",
	    "%s for streams, of %s of the machine", limit, total);
	unsigned percent = most ? (unsigned)(used * 100 / most) : 0;
	say(k,
	    percent >= 90   ? FAIL
	    : percent >= 70 ? WARN
			    : OK,
	    "arena",
	    "a larger ResourceLimits/ArenaSize, or a smaller "
	    "StreamManager/Live/MaxStreamSize",
	    "%u%% of the memory for streams is in use%s", percent,
	    percent >= 90 ? ": new publishers are refused" : "");
}

/* The server. ------------------------------------------------------------ */

static void
check_server(struct check *k)
{
	char err[4 * TEXT_CELL];
	k->attached =
	    attach_open(&k->at, k->c->run, err, sizeof err) == CTL_DONE;
	if (!k->attached) {
		char *end = strchr(err, '\n');
		if (end)
			*end = '\0';
		say(k, WARN, "server",
		    "sudo systemctl start sluice, and read: journalctl -u "
		    "sluice",
		    "%s", err);
		return;
	}
	const struct control *ctl = k->at.arena.control;
	unsigned up = 0, n = k->at.nslots;
	for (unsigned i = 0; i < n; i++)
		up += list_word32(&ctl->worker[i].state) == WORKER_UP;
	say(k,
	    up == n  ? OK
	    : up > 0 ? WARN
		     : FAIL,
	    "workers",
	    "sluicectl log tail --event 'worker.*' says why they end",
	    "%u of %u workers are up", up, n);
	snprintf(k->conf, sizeof k->conf, "%s", hello(k, "conf"));
	snprintf(k->log, sizeof k->log, "%s", hello(k, "log"));
}

/* host and port of "192.0.2.1:1935", "[::]:1935"; false if it is neither. */
static bool
split(const char *addr, char host[128], char port[16])
{
	const char *colon = strrchr(addr, ':');
	if (!colon || strlen(colon + 1) >= 16)
		return false;
	size_t n = (size_t)(colon - addr);
	bool brackets = addr[0] == '[' && n >= 2 && addr[n - 1] == ']';
	if (n - 2 * brackets >= 128)
		return false;
	snprintf(host, 128, "%.*s", (int)(n - 2 * brackets), addr + brackets);
	snprintf(port, 16, "%s", colon + 1);
	return true;
}

/* Connect, or bind.  Returns 0 or -errno. */
static int
try_address(const char *addr, bool bind_it)
{
	char host[128], port[16];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
			    (bind_it ? AI_PASSIVE : 0) },
			*ai = NULL;
	if (!split(addr, host, port) ||
	    getaddrinfo(*host ? host : NULL, port, &hints, &ai) != 0)
		return -EINVAL;
	int on = 1, s = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = s < 0 ? -errno : 0;
	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (r == 0 && (bind_it ? bind(s, ai->ai_addr, ai->ai_addrlen)
			       : connect(s, ai->ai_addr, ai->ai_addrlen)) != 0)
		r = -errno;
	if (s >= 0)
		close(s);
	freeaddrinfo(ai);
	return r;
}

static void
check_ports(struct check *k)
{
	const json_t *all = json_object_get(k->at.hello, "listen"), *a;
	size_t i;
	json_array_foreach(all, i, a)
	{
		const char *addr = json_string_value(a);
		int r = addr ? try_address(addr, false) : -EINVAL;
		say(k, r == 0 ? OK : FAIL, "port",
		    "sluicectl log tail --level warning", "%s: %s",
		    addr ? addr : "?",
		    r == 0 ? "takes connections" : strerror(-r));
	}
}

static bool
not_empty(const char *path)
{
	char c;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool any = fd >= 0 && read(fd, &c, 1) == 1;
	if (fd >= 0)
		close(fd);
	return any;
}

/* Which ports to open, where packets may be dropped. */
static void
check_firewall(struct check *k)
{
	bool tables = not_empty("/proc/net/ip_tables_names") ||
		      not_empty("/proc/net/ip6_tables_names");
	bool nft = access("/etc/nftables.conf", R_OK) == 0 &&
		   access("/sys/module/nf_tables", F_OK) == 0;
	if (!tables && !nft) {
		say(k, OK, "firewall", NULL, "no rules were found here");
		return;
	}
	say(k, WARN, "firewall",
	    "sudo ufw allow 1935/tcp, or look: sudo nft list ruleset, sudo "
	    "iptables -L -n (and the rules of your provider)",
	    "this machine has rules for packets: if clients elsewhere cannot "
	    "connect, open the port");
}

static void
check_disk(struct check *k)
{
	struct statvfs v;
	char text[64];
	if (k->log[0] != '/' || statvfs(k->log, &v) != 0)
		return;
	uint64_t left = (uint64_t)v.f_bavail * v.f_frsize;
	text_bytes(text, sizeof text, left);
	say(k, left < (UINT64_C(256) << 20) ? WARN : OK, "disk of the log",
	    "make room, or rotate the log more often (SIGHUP reopens it)",
	    "%s: %s are free", k->log, text);
}

static void
check_keys(struct check *k)
{
	char path[600];
	struct stat st;
	snprintf(path, sizeof path, "%s/publish.keys", k->conf);
	if (k->conf[0] != '/' || stat(path, &st) != 0)
		return;
	bool open_to_all = (st.st_mode & 007) != 0;
	say(k, open_to_all ? WARN : OK, "keys",
	    "sudo chmod o= on that file, and new keys in it",
	    open_to_all ? "%s may be read by everybody" : "%s", path);
}

/* The configuration, without a server. ----------------------------------- */

/* Run sluice -t; its output is f.  Returns the pid, or -1. */
static pid_t
start_test(const char *conf, FILE **f)
{
	char self[512], path[600];
	int p[2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	snprintf(path, sizeof path, "%s/sluice", self);
	if (access(path, X_OK) != 0)
		snprintf(path, sizeof path, "%s/../sbin/sluice", self);
	if (pipe(p) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(p[1], STDOUT_FILENO);
		dup2(p[1], STDERR_FILENO);
		close(p[0]);
		execl(path, "sluice", "-t", "-c", conf, (char *)NULL);
		execlp("sluice", "sluice", "-t", "-c", conf, (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	*f = fdopen(p[0], "r");
	return pid;
}

static void
look_at_port(struct check *k, const char *line)
{
	char addr[128];
	if (sscanf(line, " <HostPort>%127[^<]", addr) != 1)
		return;
	int r = try_address(addr, true);
	say(k, r == 0 ? OK : FAIL, "port",
	    "another HostPort in Adaptor.xml, or end who has it: sudo ss "
	    "-ltnp",
	    "%s: %s", addr, r == 0 ? "is free" : strerror(-r));
}

static void
check_conf(struct check *k)
{
	char line[1024], first[1024] = "";
	const char *conf = k->c->option[OPTION_CONF];
	FILE *f = NULL;
	int status = 0;
	if (!conf)
		conf = k->attached ? k->conf : SLUICE_CONF_DIR;
	pid_t pid = start_test(conf, &f);
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!*first)
			snprintf(first, sizeof first, "%s", line);
		if (!k->attached)
			look_at_port(k, line);
	}
	if (f)
		fclose(f);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	bool good = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char all[600];
	snprintf(
	    all, sizeof all, "mend it, and look again: sluice -t -c %s", conf);
	if (good)
		say(k, OK, "configuration", NULL, "%s", conf);
	else
		say(k, FAIL, "configuration", all, "%s", first);
}

/* Scripts. --------------------------------------------------------------- */

/* One that has failed lately, or does not get up.  False: it is well. */
static bool
look_at_script(struct check *k, const json_t *row)
{
	char app[TEXT_CELL], at[TEXT_CELL], text[TEXT_CELL], file[TEXT_CELL],
	    remedy[3 * TEXT_CELL];
	const json_t *since = output_member(row, "fault.since_s");
	const char *state = json_string_value(json_object_get(row, "state"));
	bool waits = state && strcmp(state, "waiting") == 0;
	if (!waits &&
	    !(json_is_real(since) && json_real_value(since) < SCRIPT_FAULT_S))
		return false;
	output_cell(app, json_object_get(row, "app"), CELL_TEXT);
	output_cell(file, json_object_get(row, "file"), CELL_TEXT);
	output_cell(at, output_member(row, "fault.at"), CELL_TEXT);
	output_cell(text, output_member(row, "fault.text"), CELL_TEXT);
	snprintf(remedy, sizeof remedy,
	    "mend %.500s, then: sluicectl app reload %.200s", file, app);
	say(k, waits ? FAIL : WARN, "script", remedy,
	    "%.100s: %s%.200s: %.500s", app, waits ? "does not run, " : "", at,
	    text);
	return true;
}

static void
check_scripts(struct check *k)
{
	char err[4 * TEXT_CELL];
	json_t *rows = json_array();
	size_t i, bad = 0;
	const json_t *row;
	if (k->attached &&
	    app_rows(k->c->run, rows, err, sizeof err) == CTL_DONE) {
		json_array_foreach(rows, i, row) bad += look_at_script(k, row);
		if (bad == 0 && json_array_size(rows) > 0)
			say(k, OK, "script", NULL,
			    "%zu without an error in the last hour",
			    json_array_size(rows));
	}
	json_decref(rows);
}

/* Output. ---------------------------------------------------------------- */

static void
print(const json_t *list, bool colours)
{
	static const char *const mark[] = { "OK  ", "WARN", "FAIL" };
	static const char *const code[] = { "\x1b[32m", "\x1b[33m",
		"\x1b[31m" };
	size_t i;
	const json_t *row;
	json_array_foreach(list, i, row)
	{
		char text[TEXT_CELL], todo[TEXT_CELL], what[TEXT_CELL];
		const char *result =
		    json_string_value(json_object_get(row, "result"));
		unsigned r = result[0] == 'o'	? OK
			     : result[0] == 'w' ? WARN
						: FAIL;
		output_cell(what, json_object_get(row, "check"), CELL_TEXT);
		output_cell(text, json_object_get(row, "text"), CELL_TEXT);
		output_cell(todo, json_object_get(row, "do"), CELL_TEXT);
		printf("%s%s%s  %-16s %s\n", colours ? code[r] : "", mark[r],
		    colours ? "\x1b[0m" : "", what, text);
		if (r != OK)
			printf("      %-16s do: %s\n", "", todo);
	}
}

enum ctl_exit
verb_server_check(const struct ctl *c)
{
	struct check k = { .c = c, .list = json_array() };
	const char *plain = getenv("NO_COLOR");
	check_kernel(&k);
	check_backlog(&k);
	check_server(&k);
	check_conf(&k);
	check_files(&k);
	check_memory(&k);
	if (k.attached)
		check_ports(&k);
	check_firewall(&k);
	check_disk(&k);
	check_keys(&k);
	check_scripts(&k);
	if (c->json)
		(void)output_json.show(stdout, NULL, k.list);
	else
		print(k.list, isatty(STDOUT_FILENO) && !(plain && *plain));
	json_decref(k.list);
	if (k.attached)
		attach_close(&k.at);
	return k.failed ? CTL_REFUSED : CTL_DONE;
}
