#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/siphash.h"
#include "master/hooks_own.h"
#include "master/master.h"
#include "master/supervise.h"

enum { AT_ONCE = 256, GOOD_LIFE_MS = 60000, STOP_MS = 2000 };

struct hooks *
hooks_new(void)
{
	struct hooks *h = calloc(1, sizeof *h);
	if (h == NULL)
		return NULL;
	h->last = &h->first;
	h->update_ns = h->ask_ns = UINT64_MAX;
	return h;
}

void
hooks_free(struct master *m)
{
	struct hooks *h = m->hooks;
	siginfo_t info;
	if (h == NULL)
		return;
	if (h->child.pid != 0) {
		child_kill(&h->child);
		child_reap(&h->child, &info);
	}
	hooks_drop_pieces(h);
	hooks_free_asks(m);
	hooks_relay_forget(m, 0);
	hooks_free_clients(m);
	free(h);
	m->hooks = NULL;
}

unsigned
hooks_count(const struct master *m)
{
	return m->hooks->child.pid != 0;
}

/* Starting. --------------------------------------------------------------- */

static void
run(struct master *m)
{
	struct hooks *h = m->hooks;
	h->run++;
	h->killed = h->late = h->quits = false;
	h->respawn_ns = 0;
	h->start_ns = clock_now().ns;
	int r = child_start(m, "sluice-callback", hooks_tag(h, HOOKS_SOCK),
	    hooks_tag(h, HOOKS_PIDFD), &h->child);
	if (r != 0) {
		h->child.pid = 0;
		h->respawn_ns =
		    h->start_ns + child_backoff_ms(++h->faults + 1) * NS_PER_MS;
		LOG(callback_fault, .text = strerror(-r));
		return;
	}
	LOG(callback_run, .callback_pid = h->child.pid);
	/* before what has waited for it */
	struct hook_piece *first = h->first, **last = h->last;
	h->first = NULL;
	h->last = &h->first;
	(void)hooks_tell(m, json_pack("{s:s, s:s, s:s}", "t", "setup", "server",
				h->server, "service", h->service));
	if (first == NULL)
		return;
	*h->last = first;
	h->last = last;
	hooks_flush(m);
}

/* Who this server is, the same after a restart; and this run of it. */
static void
name_server(struct master *m)
{
	static const uint64_t key[2] = { 0x736c75696365, 0x686f6f6b73 };
	char host[512] = "";
	(void)gethostname(host, 255);
	size_t n = strlen(host);
	snprintf(host + n, sizeof host - n, " %s", m->run_dir);
	snprintf(m->hooks->server, sizeof m->hooks->server, "vid-%07" PRIx64,
	    siphash(key, host, strlen(host)) & UINT64_C(0xfffffff));
	snprintf(m->hooks->service, sizeof m->hooks->service, "%016" PRIx64,
	    m->arena.control->node);
}

void
hooks_start(struct master *m)
{
	for (uint32_t i = 0; i < m->conf->napps; i++)
		m->hooks->wanted |= conf_has_hooks(conf_app(m->conf, i));
	if (!m->hooks->wanted)
		return;
	name_server(m);
	run(m);
}

/* Events. ----------------------------------------------------------------- */

static void
read_messages(struct master *m)
{
	static char text[HOOKS_MAX];
	struct hooks *h = m->hooks;
	for (unsigned i = 0; i < AT_ONCE && h->child.pid != 0; i++) {
		ssize_t n =
		    recv(h->child.sock, text, sizeof text, MSG_DONTWAIT);
		if (n <= 0) {
			if (n == 0)
				(void)epoll_ctl(m->env.epoll_fd, EPOLL_CTL_DEL,
				    h->child.sock, NULL);
			return;
		}
		json_t *j = json_loadb(text, (size_t)n,
		    JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
		const char *kind = json_string_value(json_object_get(j, "t"));
		if (kind != NULL && strcmp(kind, "answer") == 0)
			hooks_answered(m, j);
		json_decref(j);
	}
}

static const char *
cause_of(const struct hooks *h)
{
	if (h->late)
		return "an answer is late";
	return h->killed ? "the server stops" : "itself";
}

static void
on_death(struct master *m)
{
	struct hooks *h = m->hooks;
	siginfo_t info;
	uint64_t now = clock_now().ns;
	pid_t pid = h->child.pid;
	read_messages(m); /* answers that it gave count */
	child_reap(&h->child, &info);
	hooks_drop_pieces(h);
	if (now - h->start_ns > GOOD_LIFE_MS * NS_PER_MS)
		h->faults = 0;
	uint64_t ms = m->stopping ? 0 : child_backoff_ms(++h->faults);
	bool exited = info.si_code == CLD_EXITED;
	LOG_AT(m->stopping ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, callback_exit,
	    .callback_pid = pid, .status = { exited, info.si_status },
	    .signal = exited ? NULL : sigabbrev_np(info.si_status),
	    .cause = cause_of(h), .uptime_ms = (now - h->start_ns) / NS_PER_MS,
	    .restart_ms = ms);
	h->respawn_ns = h->quits ? 0 : now + ms * NS_PER_MS + 1;
	hooks_fail_all(m);
}

bool
hooks_event(struct master *m, uint64_t tag, uint32_t events)
{
	struct hooks *h = m->hooks;
	unsigned kind = (unsigned)(tag >> 56);
	if (kind != HOOKS_PIDFD && kind != HOOKS_SOCK)
		return false;
	if (h->child.pid == 0 || tag != hooks_tag(h, kind))
		return true;
	if (kind == HOOKS_PIDFD) {
		on_death(m);
		return true;
	}
	if (events & EPOLLOUT)
		hooks_flush(m);
	if (events & ~(uint32_t)EPOLLOUT)
		read_messages(m);
	return true;
}

/* The workers are gone: let it end what it was told, then it goes too. */
static uint64_t
stop(struct master *m, uint64_t now_ns)
{
	struct hooks *h = m->hooks;
	if (h->child.pid == 0 || supervise_count(m) > 0)
		return UINT64_MAX;
	if (!h->quits) {
		h->quits = true;
		h->stop_ns = now_ns;
		(void)hooks_tell(m, json_pack("{s:s}", "t", "quit"));
	}
	uint64_t end = h->stop_ns + STOP_MS * NS_PER_MS;
	if (now_ns < end)
		return end;
	if (!h->killed)
		hooks_kill(h);
	return UINT64_MAX;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
hooks_tick(struct master *m, uint64_t now_ns)
{
	struct hooks *h = m->hooks;
	if (!h->wanted)
		return UINT64_MAX;
	uint64_t next =
	    earlier(hooks_ask_tick(m, now_ns), hooks_use_tick(m, now_ns));
	if (m->stopping)
		next = earlier(next, stop(m, now_ns));
	if (h->respawn_ns == 0 || h->child.pid != 0 || m->stopping)
		return next;
	if (now_ns >= h->respawn_ns)
		run(m);
	return h->respawn_ns != 0 ? earlier(next, h->respawn_ns) : next;
}
