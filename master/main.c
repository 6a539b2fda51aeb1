/*
 * sluice - the master: options and order of start, nothing else.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/clock.h"
#include "common/log.h"
#include "master/auth_run.h"
#include "master/background.h"
#include "master/conf_xml.h"
#include "master/hooks.h"
#include "master/kick.h"
#include "master/limits.h"
#include "master/logout.h"
#include "master/logw.h"
#include "master/master.h"
#include "master/pulls.h"
#include "master/run.h"
#include "master/rundir.h"
#include "master/scripts.h"
#include "master/targets.h"
#include "master/republish.h"
#include "master/streams.h"
#include "master/supervise.h"
#include "master/user.h"

enum { EXIT_USAGE = 2 };

struct options {
	bool foreground, check, quiet, conf_given;
	const char *conf, *run;
	long workers; /* 0: as configured */
};

static const char usage_text[] =
    "usage: sluice [-Fqt] [-c CONF] [-r RUN] [-w WORKERS]\n"
    "       sluice -V\n"
    "  -c CONF     configuration directory (or one file as -t prints it);\n"
    "              default " SLUICE_CONF_DIR "\n"
    "  -F          stay in the foreground, show the log\n"
    "  -q          do not show the log\n"
    "  -r RUN      run directory: socket, pid, log; default " SLUICE_RUN_DIR
    "\n"
    "  -t          check the configuration, print it, exit\n"
    "  -V          print the version\n"
    "  -w WORKERS  worker processes, 1 to 64\n";

_Noreturn static void
usage(int status)
{
	fputs(usage_text, status ? stderr : stdout);
	exit(status);
}

_Noreturn static void die(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

_Noreturn static void
die(int status, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("sluice: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(status);
}

static long
workers_option(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);
	if (*text != '\0' && *end == '\0' && n >= 1 && n <= SLOTS_MAX)
		return n;
	fprintf(
	    stderr, "sluice: -w: expected a number from 1 to %d\n", SLOTS_MAX);
	usage(EXIT_USAGE);
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	int c;
	*o = (struct options){ .conf = SLUICE_CONF_DIR, .run = SLUICE_RUN_DIR };
	while ((c = getopt(argc, argv, "Fc:hqr:tVw:")) != -1) {
		switch (c) {
		case 'F':
			o->foreground = true;
			break;
		case 'c':
			o->conf = optarg;
			o->conf_given = true;
			break;
		case 'h':
			usage(0);
		case 'q':
			o->quiet = true;
			break;
		case 'r':
			o->run = optarg;
			break;
		case 't':
			o->check = true;
			break;
		case 'V':
			puts("sluice " PACKAGE_VERSION);
			exit(0);
		case 'w':
			o->workers = workers_option(optarg);
			break;
		default:
			usage(EXIT_USAGE);
		}
	}
	if (optind != argc) {
		fprintf(
		    stderr, "sluice: unexpected argument %s\n", argv[optind]);
		usage(EXIT_USAGE);
	}
}

/* An absolute form of path: the log says it, and a daemon leaves the cwd. */
static void
absolute(const char *path, char *out, size_t len)
{
	char cwd[512];
	int n;
	if (path[0] == '/' || !getcwd(cwd, sizeof cwd))
		n = snprintf(out, len, "%s", path);
	else
		n = snprintf(out, len, "%s/%s", cwd, path);
	if (n < 0 || (size_t)n >= len)
		die(EXIT_CONFIG, "%s: expected a path below %zu bytes", path,
		    len);
}

static void
show_notice(const struct conf_notice *n)
{
	fprintf(stderr, "%s:", n->file);
	if (n->line > 0)
		fprintf(stderr, "%d:", n->line);
	if (n->level != LOG_LEVEL_ERROR)
		fprintf(stderr, " %s:", log_level_name(n->level));
	if (n->element[0] != '\0')
		fprintf(stderr, " %s:", n->element);
	fprintf(stderr, " %s\n", n->text);
}

/* -t: the tree alone, whatever this machine allows. */
_Noreturn static void
check(const struct options *o)
{
	struct conf *c;
	static struct conf_report rep;
	int r = conf_load(o->conf, o->conf_given, &c, &rep);
	for (unsigned i = 0; i < rep.nnotices; i++)
		show_notice(&rep.notice[i]);
	if (r != 0 || auth_check(c, o->conf) != 0 || rep.app_faults > 0)
		exit(EXIT_CONFIG);
	conf_dump(c, stdout);
	free(c);
	if (fflush(stdout) != 0)
		die(EXIT_SERVER, "standard output: %s", strerror(errno));
	exit(0);
}

static unsigned
index_of(const char *member)
{
	for (unsigned i = 0; i < conf_params_count; i++)
		if (strcmp(conf_params[i].member, member) == 0)
			return i;
	bug_on(true);
	return 0;
}

/* A parameter that this machine cannot satisfy. */
_Noreturn static void
bad_param(const struct conf_report *rep, const char *member, const char *text)
{
	unsigned i = index_of(member);
	fprintf(stderr, "%s:", rep->file[conf_params[i].file]);
	if (rep->line[i] > 0)
		fprintf(stderr, "%d:", rep->line[i]);
	fprintf(stderr, " %s: %s\n", conf_params[i].path, text);
	exit(EXIT_CONFIG);
}

static void
find_user(struct master *m, const struct conf_report *rep)
{
	switch (user_find(
	    m->conf->uid, m->conf->gid, &m->worker_uid, &m->worker_gid)) {
	case USER_OK:
		return;
	case USER_NO_UID:
		bad_param(rep, "uid", "expected a user of this machine");
	case USER_NO_GID:
		bad_param(rep, "gid", "expected a group of this machine");
	}
}

static void
fit(struct master *m, struct limits *l, const struct conf_report *rep)
{
	char err[256];
	limits_init(l);
	if (limits_apply(l, m->conf, err, sizeof err) != 0)
		bad_param(rep, "arena_bytes", err);
	m->nslots = (unsigned)m->conf->workers;
	find_user(m, rep);
}

/* A stream is live, or is not any more: all who want to know. */
static void
on_stream(struct master *m, bool live, const char *key, size_t keylen,
    uint64_t client, enum reason why)
{
	if (!live)
		targets_stream_ended(m, key, keylen, streams_is_goodbye(why));
	scripts_stream(m, live, key, keylen, client);
	if (live)
		republish_stream(m, key, keylen);
}

enum { VIRTUAL_PER_CLIENT = 4, ROWS_MAX = 1 << 20 };

/* Connections, and clients behind edges; rows without a client take no memory. */
static uint32_t
rows(uint32_t connections)
{
	uint64_t n = (uint64_t)connections * (1 + VIRTUAL_PER_CLIENT);
	return (uint32_t)(n < ROWS_MAX ? n : ROWS_MAX);
}

static void
make_arena(struct master *m, const struct limits *l)
{
	/* beside live streams some blocks are ended and not yet freed */
	int64_t blocks = m->conf->max_streams + m->conf->max_streams / 4 + 64;
	struct arena_size size = { .nslots = m->nslots,
		.nblocks =
		    (uint32_t)(blocks < BLOCKS_MAX ? blocks : BLOCKS_MAX),
		.nrows = rows(limits_clients(l, m->conf) + IPC_SURPLUS),
		.bytes = (uint64_t)m->conf->arena_bytes,
		.nseats = limits_seats(m->conf) };
	int r = arena_create(&m->arena, &size, &m->arena_fds);
	if (r != 0)
		die(EXIT_SERVER, "shared memory: %s", strerror(-r));
	m->streams = streams_new(size.nblocks);
	m->kick = kick_new();
	m->pulls = pulls_new(m->conf);
	m->scripts = scripts_new();
	m->hooks = hooks_new();
	m->targets = targets_new();
	m->republish = republish_new();
	if (auth_init(m) != 0 || !m->streams || !m->kick || !m->pulls ||
	    !m->scripts || !m->targets || !m->hooks || !m->republish)
		die(EXIT_SERVER, "out of memory");
	streams_watch(m->streams, on_stream, scripts_veto);
	streams_gate(m->streams, &hooks_gate);
	for (unsigned i = 0; i < m->nslots; i++) {
		m->eventfd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (m->eventfd[i] < 0)
			die(EXIT_SERVER, "eventfd: %s", strerror(errno));
	}
}

/* The configuration for the workers: nobody can change it any more. */
static void
seal_conf(struct master *m)
{
	m->conf_fd =
	    memfd_create("sluice-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (m->conf_fd < 0 ||
	    write(m->conf_fd, m->conf, m->conf->bytes) !=
		(ssize_t)m->conf->bytes ||
	    fcntl(m->conf_fd, F_ADD_SEALS,
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		die(EXIT_SERVER, "configuration in memory: %s",
		    strerror(errno));
}

static void
start_log(struct master *m, const struct options *o)
{
	char err[400];
	const char *file =
	    m->conf->log_file[0] ? m->conf->log_file : "sluice.log";
	enum logout_kind kind = logout_kind(file);
	bool whole = file[0] == '/' || kind != LOGOUT_FILE;
	bool show = o->foreground && !o->quiet;
	if (kind == LOGOUT_STDOUT) {
		file = "stdout";
		/* not twice in one place */
		show = show && isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
	}
	if (kind == LOGOUT_STDOUT && !o->foreground)
		die(EXIT_CONFIG,
		    "Logging/File: standard output needs the option -F "
		    "(in the background there is none)");
	int n = snprintf(m->log_path, sizeof m->log_path, "%s%s%s",
	    whole ? "" : m->run_dir, whole ? "" : "/", file);
	if (n < 0 || (size_t)n >= sizeof m->log_path)
		die(EXIT_CONFIG, "Logging/File: expected a shorter path");
	m->log = logw_start(m->log_path, show, err, sizeof err);
	if (!m->log)
		die(EXIT_CONFIG, "log: %s", err);
	m->env.log_fd = logw_fd(m->log);
	log_open(m->env.log_fd, (enum log_level)m->conf->log_level);
}

static void
log_notice(const struct conf_notice *n)
{
	if (n->level == LOG_LEVEL_ERROR)
		LOG(config_app_fault, .file = n->file, .line = n->line,
		    .element = n->element, .text = n->text);
	else
		LOG_AT(n->level, config_notice, .file = n->file,
		    .line = { true, n->line }, .element = n->element,
		    .text = n->text);
}

static void
say_start(const struct master *m, const struct limits *l,
    const struct conf_report *rep)
{
	char words[400];
	const char *addrs[CONF_LISTEN_MAX];
	for (unsigned i = 0; i < m->listeners.naddrs; i++)
		addrs[i] = m->listeners.name[i];
	LOG(server_start, .version = PACKAGE_VERSION,
	    .listen = { addrs, m->listeners.naddrs }, .workers = m->nslots,
	    .arena_bytes = m->conf->arena_bytes, .conf = m->conf_path,
	    .run = m->run_dir, .log = m->log_path,
	    .worker_program = m->env.path);
	limits_words(l, m->conf, words, sizeof words);
	LOG(server_capacity,
	    .clients = (uint64_t)limits_clients(l, m->conf) * m->nslots,
	    .streams = limits_streams(m->conf),
	    .arena_bytes = m->conf->arena_bytes, .limit = words);
	for (unsigned i = 0; i < rep->nnotices; i++)
		log_notice(&rep->notice[i]);
	if (rep->left_out > 0)
		LOG(config_notice,
		    .text = "more elements without a meaning here",
		    .count = { true, rep->left_out });
}

static void
say_stop(const struct master *m)
{
	log_flush();
	LOG(server_stop,
	    .uptime_ms =
		mono_ms_since((struct mono){ m->start_ns }, clock_now()),
	    .status = m->exit_status, .log_dropped = log_dropped(),
	    .log_invalid = logw_invalid(m->log),
	    .log_unshown = logw_unshown(m->log));
}

/* From a configuration that is sound to workers that run. */
static void
start(struct master *m, const struct options *o, const struct limits *l,
    const struct conf_report *rep)
{
	if (listen_open(&m->listeners, m->conf, rep->file[CONF_ADAPTOR],
		m->nslots) != 0)
		exit(EXIT_CONFIG);
	make_arena(m, l);
	seal_conf(m);
	run_block_signals();
	start_log(m, o);
	int r = run_open(m);
	if (r != 0)
		die(EXIT_SERVER, "%s/control.sock: %s", m->run_dir,
		    strerror(-r));
	say_start(m, l, rep);
	auth_start(m);
	hooks_start(m);
	(void)republish_take(m, m->conf);
	r = supervise_start(m);
	if (r != 0)
		die(EXIT_SERVER, "cannot start a worker: %s", strerror(-r));
}

static void
stop(struct master *m)
{
	say_stop(m);
	run_close(m);
	logw_stop(m->log);
	scripts_free(m);
	hooks_free(m);
	republish_free(m->republish);
	targets_free(m->targets);
	streams_free(m->streams);
	auth_fini(m);
	kick_free(m->kick);
	pulls_free(m->pulls);
	listen_close(&m->listeners, m->nslots);
	arena_unmap(&m->arena);
	free(m->conf);
}

int
main(int argc, char **argv)
{
	static struct master m = { .ready_fd = -1, .next_incarnation = 1 };
	static struct conf_report rep;
	struct options o;
	struct limits l;
	char err[1024];
	background_stdio();
	parse_options(argc, argv, &o);
	if (o.check)
		check(&o);
	absolute(o.conf, m.conf_path, sizeof m.conf_path);
	absolute(o.run, m.run_dir, sizeof m.run_dir);
	if (conf_load(m.conf_path, o.conf_given, &m.conf, &rep) != 0)
		return EXIT_CONFIG;
	if (auth_check(m.conf, m.conf_path) != 0)
		return EXIT_CONFIG;
	if (o.workers)
		m.conf->workers = o.workers;
	m.start_ns = clock_now().ns;
	clock_wall(m.start_time);
	fit(&m, &l, &rep);
	if (proc_find(&m.env, err, sizeof err) != 0)
		die(EXIT_CONFIG, "%s", err);
	if (!o.foreground && (m.ready_fd = background_begin()) < 0)
		die(EXIT_SERVER, "%s", strerror(-m.ready_fd));
	limits_oom(m.env.oom, sizeof m.env.oom);
	int lock = rundir_take(m.run_dir, err, sizeof err);
	if (lock < 0)
		die(EXIT_CONFIG, "%s", err);
	start(&m, &o, &l, &rep);
	run(&m);
	stop(&m);
	rundir_release(m.run_dir, lock);
	return m.exit_status;
}
