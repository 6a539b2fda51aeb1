#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/proto.h"
#include "master/master.h"
#include "master/child.h"
#include "master/scripts.h"
#include "master/scripts_own.h"
#include "master/streams.h"
#include "shm/directory.h"

enum {
	AT_ONCE = 64,
	GOOD_LIFE_MS = 60000,
	STOP_MS = 2000,
	QUIET_MS = 10000, /* before it is asked, and for its answer */
	HOW = 64	  /* bytes of words for people */
};

struct scripts *
scripts_new(void)
{
	return calloc(1, sizeof(struct scripts));
}

const struct conf_app *
scripts_conf(const struct master *m, const struct script *s)
{
	const struct conf_vhost *v =
	    conf_find_vhost(m->conf, span_of(s->vhost));
	const struct conf_app *app =
	    v ? conf_find_app(m->conf, v, span_of(s->app)) : NULL;
	return app ? app
		   : conf_app(
			 m->conf, (v ? v : conf_vhost(m->conf, 0))->first_app);
}

/* Directories of load(): relative ones begin at the configuration. */
static json_t *
lib_of(const struct master *m, const struct conf_app *app)
{
	char all[SCRIPT_PATH * 2] = "";
	size_t used = 0;
	const char *dirs = app->script_lib;
	for (size_t n; *dirs != '\0'; dirs += n + (dirs[n] == ';')) {
		n = strcspn(dirs, ";");
		int k = snprintf(all + used, sizeof all - used, "%s%s%s%.*s",
		    used ? ";" : "", *dirs == '/' ? "" : m->conf_path,
		    *dirs == '/' ? "" : "/", (int)n, dirs);
		if (k < 0 || used + (size_t)k >= sizeof all) {
			all[used] = '\0';
			break;
		}
		used += (size_t)k;
	}
	return log_text(all, used);
}

static void
say_setup(struct master *m, struct script *s)
{
	const struct conf_app *app = scripts_conf(m, s);
	s->limit_ms = (uint64_t)app->script_ms;
	s->idle_ms = (uint64_t)app->max_idle_ms;
	scripts_tell(m, s,
	    json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:s}", "t",
		"setup", "app", s->app, "vhost", s->vhost, "file", s->file,
		"lib", lib_of(m, app), "heap_bytes",
		(json_int_t)app->script_bytes, "call_ms",
		(json_int_t)app->script_ms, "server", "Sluice/" PACKAGE_VERSION,
		"host", s->vhost));
}

/* Process table. ------------------------------------------------------------ */

static bool
is_of(const struct script *s, const char *key, size_t len)
{
	return span_is(directory_part(key, len, 0), s->vhost) &&
	       span_is(directory_part(key, len, 1), s->app);
}

static void
replay(
    struct master *m, void *arg, const char *key, size_t len, uint64_t client)
{
	struct script *s = arg;
	if (is_of(s, key, len))
		scripts_publish(m, s, key, len, client);
}

/* One that nobody uses yet is not idle. */
static void
begin_unused(struct master *m, struct script *s)
{
	struct instance *i =
	    scripts_begin(m, s, span_of(SCRIPT_DEFAULT_INSTANCE));
	if (i != NULL)
		i->idle_ns = 0;
}

/* Start the process, and tell it all that is live. */
void
scripts_run(struct master *m, struct script *s)
{
	s->id = ++m->scripts->next_id;
	s->respawn_ns = 0;
	s->quit_ns = s->asked_ns = 0;
	s->again = s->killed = s->noisy = false;
	s->start_ns = s->heard_ns = clock_now().ns;
	int r = scripts_fork(m, s);
	if (r != 0) {
		s->pid = 0;
		uint64_t ms = child_backoff_ms(++s->faults + 1);
		s->respawn_ns = s->start_ns + ms * NS_PER_MS;
		LOG(script_fault, .vhost = span_of(s->vhost),
		    .app = span_of(s->app), .instance = span_of(""),
		    .text = strerror(-r));
		return;
	}
	LOG(script_run, .vhost = span_of(s->vhost), .app = span_of(s->app),
	    .file = s->file, .script_pid = s->pid);
	say_setup(m, s);
	if (scripts_conf(m, s)->load_on_startup)
		begin_unused(m, s);
	scripts_clients_replay(m, s);
	streams_each_live(m, replay, s);
}

static void
count_live(
    struct master *m, void *arg, const char *key, size_t len, uint64_t client)
{
	struct {
		const struct script *s;
		unsigned n;
	} *c = arg;
	(void)m;
	(void)client;
	c->n += is_of(c->s, key, len);
}

unsigned
scripts_live(struct master *m, const struct script *s)
{
	struct {
		const struct script *s;
		unsigned n;
	} c = { s, 0 };
	streams_each_live(m, count_live, &c);
	return c.n;
}

/* Would a process have anything to do? */
static bool
is_wanted(struct master *m, const struct script *s)
{
	return scripts_conf(m, s)->load_on_startup ||
	       !TAILQ_EMPTY(&s->clients) || scripts_live(m, s) > 0;
}

/* A name of an application that is a name of a directory. */
static bool
is_plain(struct span s)
{
	return s.len > 0 && s.len < CONF_NAME && s.p[0] != '.' &&
	       memchr(s.p, '/', s.len) == NULL;
}

struct script *
scripts_named(struct master *m, struct span vhost, struct span app, bool make)
{
	char path[SCRIPT_PATH];
	struct script *s = m->scripts->list;
	while (s != NULL && !(span_is(vhost, s->vhost) && span_is(app, s->app)))
		s = s->next;
	if (s != NULL || !make || !is_plain(app) || vhost.len >= CONF_NAME ||
	    !scripts_find(m, vhost, app, path))
		return s;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	memcpy(s->vhost, vhost.p, vhost.len);
	memcpy(s->app, app.p, app.len);
	memcpy(s->file, path, sizeof path);
	s->last = &s->first;
	TAILQ_INIT(&s->clients);
	s->last_told = &s->told;
	s->next = m->scripts->list;
	m->scripts->list = s;
	return s;
}

static struct script *
script_of(struct master *m, const char *key, size_t len, bool make)
{
	return scripts_named(
	    m, directory_part(key, len, 0), directory_part(key, len, 1), make);
}

/* Ending on purpose. -------------------------------------------------------- */

void
scripts_quit(struct master *m, struct script *s, bool again)
{
	s->again |= again;
	if (s->pid == 0 || s->quit_ns != 0)
		return;
	s->quit_ns = clock_now().ns + STOP_MS * NS_PER_MS;
	scripts_tell(m, s, json_pack("{s:s}", "t", "quit"));
}

void
scripts_restart(struct master *m, struct script *s)
{
	scripts_pardon(s);
	s->faults = 0;
	s->respawn_ns = 0;
	if (s->pid != 0)
		scripts_quit(m, s, true);
	else if (is_wanted(m, s))
		scripts_run(m, s);
}

void
scripts_unload(struct master *m, struct script *s, const char *cause)
{
	LOG(script_unload, .vhost = span_of(s->vhost), .app = span_of(s->app),
	    .file = s->file, .cause = cause);
	s->again = false;
	s->respawn_ns = 0;
	scripts_quit(m, s, false);
}

/* What the watch tells. ------------------------------------------------------ */

static void
published(struct master *m, const char *key, size_t keylen, uint64_t client)
{
	if (m->stopping)
		return;
	struct script *s = script_of(m, key, keylen, true);
	if (s == NULL)
		return;
	if (s->pid == 0 && s->respawn_ns == 0)
		scripts_run(m, s); /* this stream is live already */
	else if (s->quit_ns != 0)
		s->again = true;
	else if (s->pid != 0)
		scripts_publish(m, s, key, keylen, client);
}

static void
unpublished(struct master *m, const char *key, size_t keylen, uint64_t client)
{
	for (struct script *p = m->scripts->list; p != NULL; p = p->next)
		scripts_push_ended(m, p, key, keylen);
	struct script *s = script_of(m, key, keylen, false);
	if (s != NULL)
		scripts_unpublish(m, s, key, keylen, client);
}

void
scripts_stream(struct master *m, bool live, const char *key, size_t keylen,
    uint64_t client)
{
	if (live)
		published(m, key, keylen, client);
	else
		unpublished(m, key, keylen, client);
}

/* Messages. ---------------------------------------------------------------- */

static void
on_message(struct master *m, struct script *s, const json_t *j)
{
	const char *kind = scripts_text(j, "t");
	if (strcmp(kind, "shutdown") == 0)
		scripts_unload(m, s, "script");
	else if (!scripts_push_message(m, s, kind, j) &&
		 !scripts_client_message(m, s, kind, j) &&
		 !scripts_blame_message(s, kind, j))
		scripts_inst_message(m, s, kind, j);
}

/* At most so many. */
static void
read_messages(struct master *m, struct script *s, unsigned most)
{
	static char text[PROTO_MAX];
	for (unsigned i = 0; i < most && s->pid != 0; i++) {
		ssize_t n = recv(s->sock, text, sizeof text, MSG_DONTWAIT);
		if (n <= 0) {
			if (n == 0)
				(void)epoll_ctl(m->env.epoll_fd, EPOLL_CTL_DEL,
				    s->sock, NULL);
			return;
		}
		s->heard_ns = clock_now().ns;
		s->asked_ns = 0;
		json_t *j = json_loadb(text, (size_t)n,
		    JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
		if (json_is_object(j))
			on_message(m, s, j);
		json_decref(j);
	}
}

/* Deaths. ------------------------------------------------------------------- */

/* How it ended, for people; NULL: nothing in the script did that. */
static const char *
how(const struct script *s, const siginfo_t *info, char text[HOW])
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	if (s->killed)
		return "did not come back";
	if (info->si_code == CLD_EXITED) {
		switch (info->si_status) {
		case PROTO_EXIT_HUNG:
			snprintf(text, HOW, "took longer than %llu ms",
			    (unsigned long long)s->limit_ms);
			return text;
		case PROTO_EXIT_MEMORY:
			return "needs more memory than the script may have";
		case PROTO_EXIT_ENGINE:
			return "ended the script's process";
		default:
			return NULL;
		}
	}
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (info->si_status == own[i]) {
			snprintf(text, HOW, "ended the script's process by %s",
			    sigabbrev_np(own[i]));
			return text;
		}
	return NULL;
}

static void
log_exit(const struct script *s, pid_t pid, const siginfo_t *info, bool asked,
    uint64_t now, uint64_t restart_ms)
{
	bool exited = info->si_code == CLD_EXITED;
	LOG_AT(asked ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, script_exit,
	    .vhost = span_of(s->vhost), .app = span_of(s->app),
	    .script_pid = pid, .status = { exited, info->si_status },
	    .signal = exited ? NULL : sigabbrev_np(info->si_status),
	    .cause = s->noisy	 ? "says too much"
		     : s->killed ? "does not answer"
		     : asked	 ? "asked"
				 : "itself",
	    .uptime_ms = (now - s->start_ns) / NS_PER_MS,
	    .restart_ms = restart_ms);
}

static void
on_death(struct master *m, struct script *s)
{
	siginfo_t info;
	uint64_t now = clock_now().ns, ms = 0;
	pid_t pid = s->pid;
	char text[HOW];
	read_messages(m, s, UINT_MAX); /* `hung` may be the last */
	bool asked = m->stopping || s->quit_ns != 0;
	scripts_reap(s, &info);
	scripts_drop_instances(s);
	scripts_push_forget(m, s);
	if (now - s->start_ns > GOOD_LIFE_MS * NS_PER_MS)
		s->faults = 0;
	if (!asked) {
		ms = child_backoff_ms(++s->faults);
		s->restarts++;
	}
	log_exit(s, pid, &info, asked, now, ms);
	s->respawn_ns =
	    m->stopping || (asked && !s->again) ? 0 : now + ms * NS_PER_MS + 1;
	s->quit_ns = 0;
	const char *why = asked ? NULL : how(s, &info, text);
	scripts_clients_lost(m, s, why);
	scripts_blame(m, s, why);
}

bool
scripts_event(struct master *m, uint64_t tag, uint32_t events)
{
	unsigned kind = (unsigned)(tag >> 56);
	if (kind != SCRIPT_PIDFD && kind != SCRIPT_SOCK)
		return false;
	struct script *s = m->scripts->list;
	while (s != NULL && (s->pid == 0 || scripts_tag(s, kind) != tag))
		s = s->next;
	if (s == NULL)
		return true;
	if (kind == SCRIPT_PIDFD)
		on_death(m, s);
	else if (events & EPOLLOUT)
		scripts_flush(m, s);
	else
		read_messages(m, s, AT_ONCE);
	return true;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * A process that is stopped, or busy beyond measure, is no better than a hung one:
 * nobody but itself can tell that from outside.
 */
static uint64_t
judge(struct master *m, struct script *s, uint64_t now_ns)
{
	uint64_t quiet = s->heard_ns + QUIET_MS * NS_PER_MS,
		 late = s->asked_ns + (QUIET_MS + s->limit_ms) * NS_PER_MS;
	if (s->limit_ms == 0 || s->killed)
		return UINT64_MAX;
	if (s->asked_ns != 0 && now_ns >= late) {
		scripts_kill(s);
		return UINT64_MAX;
	}
	if (s->asked_ns == 0 && now_ns >= quiet) {
		s->asked_ns = now_ns;
		scripts_tell(
		    m, s, json_pack("{s:s, s:i}", "t", "ping", "n", 1));
		return now_ns + (QUIET_MS + s->limit_ms) * NS_PER_MS;
	}
	return s->asked_ns != 0 ? late : quiet;
}

/* Time, for one; returns when again. */
static uint64_t
tick(struct master *m, struct script *s, uint64_t now_ns)
{
	uint64_t next = scripts_clients_tick(m, s, now_ns);
	if (s->pid != 0 && s->quit_ns != 0) {
		if (now_ns >= s->quit_ns && !s->killed)
			scripts_kill(s);
		return now_ns < s->quit_ns ? sooner(s->quit_ns, next) : next;
	}
	if (s->pid != 0)
		next = sooner(next,
		    sooner(judge(m, s, now_ns), scripts_idle(m, s, now_ns)));
	if (s->pid != 0 || s->respawn_ns == 0 || m->stopping)
		return next;
	if (now_ns < s->respawn_ns)
		return sooner(s->respawn_ns, next);
	s->respawn_ns = 0;
	if (is_wanted(m, s))
		scripts_run(m, s);
	return s->respawn_ns != 0 ? sooner(s->respawn_ns, next) : next;
}

/* LoadOnStartup: those that the configuration names. */
static void
load(struct master *m)
{
	const struct conf *c = m->conf;
	m->scripts->loaded = true;
	for (uint32_t i = 0; i < c->napps; i++) {
		const struct conf_app *app = conf_app(c, i);
		if (!app->load_on_startup || app->name[0] == '\0')
			continue;
		struct span vhost = span_of(conf_vhost(c, app->vhost)->name);
		struct script *s =
		    scripts_named(m, vhost, span_of(app->name), true);
		if (s != NULL && s->pid == 0 && s->respawn_ns == 0)
			scripts_run(m, s);
	}
}

uint64_t
scripts_tick(struct master *m, uint64_t now_ns)
{
	struct scripts *all = m->scripts;
	uint64_t next = UINT64_MAX;
	if (m->stopping && !all->stopping)
		scripts_stop(m);
	if (m->ready && !all->loaded && !m->stopping)
		load(m);
	for (struct script *s = all->list; s != NULL; s = s->next) {
		uint64_t t = tick(m, s, now_ns);
		if (t < next)
			next = t;
	}
	return next;
}

void
scripts_stop(struct master *m)
{
	m->scripts->stopping = true;
	for (struct script *s = m->scripts->list; s != NULL; s = s->next)
		scripts_quit(m, s, false);
}

unsigned
scripts_count(const struct master *m)
{
	unsigned n = 0;
	for (struct script *s = m->scripts->list; s != NULL; s = s->next)
		n += s->pid != 0;
	return n;
}

void
scripts_free(struct master *m)
{
	struct script *s;
	siginfo_t info;
	while ((s = m->scripts->list) != NULL) {
		m->scripts->list = s->next;
		if (s->pid != 0) {
			scripts_kill(s);
			scripts_reap(s, &info);
		}
		scripts_drop_instances(s);
		scripts_push_forget(m, s);
		scripts_remote_free(s);
		scripts_blame(m, s, NULL);
		scripts_pardon(s);
		scripts_clients_free(s);
		free(s);
	}
	free(m->scripts->clients);
	free(m->scripts);
	m->scripts = NULL;
}
