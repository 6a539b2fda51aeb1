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
#include "master/scripts.h"
#include "master/scripts_own.h"
#include "master/streams.h"
#include "shm/directory.h"

enum {
	AT_ONCE = 64,
	HEAP_BYTES = 16 << 20,

	BACKOFF_MIN_MS = 100,
	BACKOFF_MAX_MS = 30000,
	GOOD_LIFE_MS = 60000,
	STOP_MS = 2000,
	HOW = 64 /* bytes of words for people */
};

struct scripts *
scripts_new(void)
{
	return calloc(1, sizeof(struct scripts));
}

static uint64_t
backoff_ms(unsigned faults)
{
	uint64_t ms = BACKOFF_MIN_MS;
	if (faults <= 1)
		return 0;
	for (; faults > 2 && ms < BACKOFF_MAX_MS; faults--)
		ms *= 2;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static void
say_setup(struct master *m, struct script *s)
{
	scripts_tell(m, s,
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s}", "t",
		"setup", "app", s->app, "vhost", s->vhost, "file", s->file,
		"lib", "", "heap_bytes", HEAP_BYTES, "call_ms", SCRIPT_CALL_MS,
		"server", "Sluice/" PACKAGE_VERSION, "host", s->vhost));
}

/* Instances. --------------------------------------------------------------- */

static struct instance *
find_instance(const struct script *s, struct span name)
{
	for (struct instance *i = s->insts; i != NULL; i = i->next)
		if (span_is(name, i->name))
			return i;
	return NULL;
}

json_t *
scripts_message(const char *kind, const char *inst)
{
	json_t *j = json_pack("{s:s}", "t", kind);
	json_object_set_new(j, "inst", log_text(inst, strlen(inst)));
	return j;
}

static struct instance *
begin_instance(struct master *m, struct script *s, struct span name)
{
	struct instance *i = find_instance(s, name);
	if (i != NULL)
		return i;
	i = calloc(1, sizeof *i + name.len + 1);
	if (i == NULL)
		return NULL;
	memcpy(i->name, name.p, name.len);
	i->next = s->insts;
	s->insts = i;
	scripts_tell(m, s, scripts_message("start", i->name));
	return i;
}

static void
drop_instances(struct script *s)
{
	struct instance *i;
	while ((i = s->insts) != NULL) {
		s->insts = i->next;
		free(i);
	}
}

static struct span
part(const char *key, size_t len, unsigned i)
{
	size_t n;
	const char *p = directory_key_part(key, len, i, &n);
	return (struct span){ p, n };
}

static json_t *
stream_message(const char *kind, const struct instance *i, struct span stream,
    uint64_t client, json_int_t n)
{
	char id[24];
	json_t *j = scripts_message(kind, i->name);
	snprintf(id, sizeof id, "%llu", (unsigned long long)client);
	json_object_set_new(j, "stream", log_text(stream.p, stream.len));
	json_object_set_new(j, "client", json_string(id));
	if (n != 0)
		json_object_set_new(j, "n", json_integer(n));
	return j;
}

/* Process table. ------------------------------------------------------------ */

static bool
is_of(const struct script *s, const char *key, size_t len)
{
	return span_is(part(key, len, 0), s->vhost) &&
	       span_is(part(key, len, 1), s->app);
}

static void
publish(struct master *m, struct script *s, const char *key, size_t len,
    uint64_t client)
{
	json_int_t n = scripts_tells(m, s, key, len);
	struct instance *i =
	    n == 0 ? NULL : begin_instance(m, s, part(key, len, 2));
	if (i == NULL)
		return;
	i->live++;
	scripts_tell(
	    m, s, stream_message("publish", i, part(key, len, 3), client, n));
}

static void
replay(
    struct master *m, void *arg, const char *key, size_t len, uint64_t client)
{
	struct script *s = arg;
	if (is_of(s, key, len))
		publish(m, s, key, len, client);
}

/* Start the process, and tell it all that is live. */
static void
run_script(struct master *m, struct script *s)
{
	s->id = ++m->scripts->next_id;
	s->respawn_ns = 0;
	s->killed = false;
	s->start_ns = clock_now().ns;
	int r = scripts_fork(m, s);
	if (r != 0) {
		s->pid = 0;
		uint64_t ms = backoff_ms(++s->faults + 1);
		s->respawn_ns = s->start_ns + ms * NS_PER_MS;
		LOG(script_fault, .vhost = span_of(s->vhost),
		    .app = span_of(s->app), .instance = span_of(""),
		    .text = strerror(-r));
		return;
	}
	LOG(script_run, .vhost = span_of(s->vhost), .app = span_of(s->app),
	    .file = s->file, .script_pid = s->pid);
	say_setup(m, s);
	streams_each_live(m, replay, s);
}

static bool
has_script(char path[SCRIPT_PATH], struct span dir, const char *mid,
    const char *vhost, struct span app)
{
	int k = snprintf(path, SCRIPT_PATH, "%.*s%s%s%s/%.*s/main.asc",
	    (int)dir.len, dir.p, mid, vhost, *vhost ? "/applications" : "",
	    (int)app.len, app.p);
	return k > 0 && k < SCRIPT_PATH && access(path, F_OK) == 0;
}

/*
 * main.asc of an application: in AppsDir/APP, or without an AppsDir where its
 * Application.xml would be (conf_read_apps()).  False: there is none.
 */
static bool
find_file(const struct master *m, struct span vhost, struct span app,
    char path[SCRIPT_PATH])
{
	const struct conf_vhost *v = conf_find_vhost(m->conf, vhost);
	const char *dirs = v ? v->apps_dir : "";
	struct span tree = span_of(m->conf_path);
	if (v == NULL)
		return false;
	if (*dirs == '\0')
		return has_script(
			   path, tree, "/_defaultRoot_/", v->name, app) ||
		       (v == conf_vhost(m->conf, 0) &&
			   has_script(path, tree, "/applications", "", app));
	for (size_t n; *dirs != '\0'; dirs += n + (dirs[n] == ';')) {
		n = strcspn(dirs, ";");
		if (has_script(path, (struct span){ dirs, n }, "", "", app))
			return true;
	}
	return false;
}

/* A name of an application that is a name of a directory. */
static bool
is_plain(struct span s)
{
	return s.len > 0 && s.len < CONF_NAME && s.p[0] != '.' &&
	       memchr(s.p, '/', s.len) == NULL;
}

static struct script *
script_of(struct master *m, const char *key, size_t len, bool make)
{
	char path[SCRIPT_PATH];
	struct span vhost = part(key, len, 0), app = part(key, len, 1);
	struct script *s = m->scripts->list;
	while (s != NULL && !is_of(s, key, len))
		s = s->next;
	if (s != NULL || !make || !is_plain(app) || vhost.len >= CONF_NAME ||
	    !find_file(m, vhost, app, path))
		return s;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	memcpy(s->vhost, vhost.p, vhost.len);
	memcpy(s->app, app.p, app.len);
	memcpy(s->file, path, sizeof path);
	s->last = &s->first;
	s->last_told = &s->told;
	s->next = m->scripts->list;
	m->scripts->list = s;
	return s;
}

static void
published(struct master *m, const char *key, size_t keylen, uint64_t client)
{
	if (m->stopping)
		return;
	struct script *s = script_of(m, key, keylen, true);
	if (s == NULL)
		return;
	if (s->pid != 0)
		publish(m, s, key, keylen, client);
	else if (s->respawn_ns == 0)
		run_script(m, s); /* this stream is live already */
}

static void
unpublished(struct master *m, const char *key, size_t keylen, uint64_t client)
{
	for (struct script *p = m->scripts->list; p != NULL; p = p->next)
		scripts_push_ended(m, p, key, keylen);
	struct script *s = script_of(m, key, keylen, false);
	bool told = s != NULL && scripts_was_told(s, key, keylen);
	struct instance *i =
	    told && s->pid ? find_instance(s, part(key, keylen, 2)) : NULL;
	if (i == NULL || i->live == 0)
		return;
	i->live--;
	scripts_tell(m, s,
	    stream_message("unpublish", i, part(key, keylen, 3), client, 0));
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
	if (!scripts_push_message(m, s, kind, j))
		(void)scripts_blame_message(s, kind, j);
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
			snprintf(text, HOW, "took longer than %d ms",
			    SCRIPT_CALL_MS);
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
on_death(struct master *m, struct script *s)
{
	siginfo_t info;
	uint64_t now = clock_now().ns;
	pid_t pid = s->pid;
	char text[HOW];
	read_messages(m, s, UINT_MAX); /* `hung` may be the last */
	scripts_reap(s, &info);
	drop_instances(s);
	scripts_push_forget(s);
	if (now - s->start_ns > GOOD_LIFE_MS * NS_PER_MS)
		s->faults = 0;
	uint64_t ms = m->stopping ? 0 : backoff_ms(++s->faults);
	bool exited = info.si_code == CLD_EXITED;
	LOG_AT(m->stopping ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, script_exit,
	    .vhost = span_of(s->vhost), .app = span_of(s->app),
	    .script_pid = pid, .status = { exited, info.si_status },
	    .signal = exited ? NULL : sigabbrev_np(info.si_status),
	    .cause = s->killed ? "does not read" : "itself",
	    .uptime_ms = (now - s->start_ns) / NS_PER_MS, .restart_ms = ms);
	s->respawn_ns = m->stopping ? 0 : now + ms * NS_PER_MS + 1;
	scripts_blame(m, s, m->stopping ? NULL : how(s, &info, text));
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

uint64_t
scripts_tick(struct master *m, uint64_t now_ns)
{
	struct scripts *all = m->scripts;
	uint64_t next = UINT64_MAX;
	if (m->stopping && !all->stopping)
		scripts_stop(m);
	for (struct script *s = all->list; s != NULL; s = s->next) {
		if (all->stopping && s->pid != 0) {
			uint64_t end = all->stop_ns + STOP_MS * NS_PER_MS;
			if (now_ns >= end && !s->killed)
				scripts_kill(s);
			else if (now_ns < end && end < next)
				next = end;
		}
		if (s->respawn_ns == 0 || s->pid != 0 || m->stopping)
			continue;
		if (now_ns >= s->respawn_ns)
			run_script(m, s);
		if (s->respawn_ns != 0 && s->respawn_ns < next)
			next = s->respawn_ns;
	}
	return next;
}

void
scripts_stop(struct master *m)
{
	m->scripts->stopping = true;
	m->scripts->stop_ns = clock_now().ns;
	for (struct script *s = m->scripts->list; s != NULL; s = s->next)
		if (s->pid != 0)
			scripts_tell(m, s, json_pack("{s:s}", "t", "quit"));
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
		drop_instances(s);
		scripts_push_forget(s);
		scripts_blame(m, s, NULL);
		scripts_pardon(s);
		free(s);
	}
	free(m->scripts);
	m->scripts = NULL;
}
