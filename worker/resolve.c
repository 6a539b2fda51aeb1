#include "config.h"

#include <ares.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "common/bug.h"
#include "worker/resolve.h"

#define RESOLV_CONF "/etc/resolv.conf"

enum {
	SOCKETS = 32,	  /* of c-ares: two for each server */
	SERVER_MS = 1000, /* for the first try, doubled for each other */
	TRIES = 3,
	KEEP_MIN_S = 1,
	KEEP_MAX_S = 30,
	FAILURE_S = 1
};

/* What is known of a name. */
struct answer {
	char host[RESOLVE_HOST];
	unsigned n; /* 0: `why` says why */
	struct addr addr[RESOLVE_ADDRS];
	const char *why;   /* static */
	struct mono until; /* in the cache; 0: an unused entry */
};

enum state { FREE, ASKING, DONE, TELLING };

struct question {
	enum state state;
	struct resolver *rs;
	struct answer a;
	uint32_t ttl_s;
	TAILQ_HEAD(, resolve) waiters;
	TAILQ_ENTRY(question) entry; /* of asking, or of done */
};
TAILQ_HEAD(questions, question);

/* A socket of c-ares.  Each watch has a generation of its own. */
struct watch {
	int fd; /* -1: unused */
	uint32_t gen;
	unsigned want, armed; /* LOOP_IN, LOOP_OUT */
};

/* Of resolv.conf when it was read. */
struct version {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct resolver {
	struct worker *w;
	const char *hosts, *servers; /* of a test */
	ares_channel channel;	     /* NULL until there is a question */
	struct version conf;
	struct watch watch[SOCKETS];
	struct questions asking, done;
	struct question question[RESOLVE_QUESTIONS];
	struct question full[2]; /* for those who find no free one: one is
				    told, the other taken meanwhile */
	struct answer cache[RESOLVE_CACHE];
};

/* The cache --------------------------------------------------------------- */

static const struct answer *
recall(const struct resolver *rs, const char *host)
{
	for (unsigned i = 0; i < RESOLVE_CACHE; i++) {
		const struct answer *a = &rs->cache[i];
		if (mono_before(rs->w->now, a->until) &&
		    strcasecmp(a->host, host) == 0)
			return a;
	}
	return NULL;
}

/* In the place of the same name, or of the one that is over first. */
static void
remember(struct resolver *rs, const struct answer *a, uint32_t seconds)
{
	struct answer *to = &rs->cache[0];
	for (unsigned i = 0; i < RESOLVE_CACHE; i++) {
		struct answer *c = &rs->cache[i];
		if (strcasecmp(c->host, a->host) == 0) {
			to = c;
			break;
		}
		if (mono_before(c->until, to->until))
			to = c;
	}
	*to = *a;
	to->until = mono_add_ms(rs->w->now, (uint64_t)seconds * 1000);
}

/* Questions --------------------------------------------------------------- */

static bool
is_full(const struct question *q)
{
	return q == &q->rs->full[0] || q == &q->rs->full[1];
}

static void
free_question(struct question *q)
{
	q->state = FREE;
	if (!is_full(q))
		q->a = (struct answer){ .n = 0 };
}

static struct question *
take_question(struct resolver *rs, const char *host)
{
	for (unsigned i = 0; i < RESOLVE_QUESTIONS; i++) {
		struct question *q = &rs->question[i];
		if (q->state != FREE)
			continue;
		snprintf(q->a.host, sizeof q->a.host, "%s", host);
		return q;
	}
	return NULL;
}

/* One that is not answered, or not told yet. */
static struct question *
find_question(const struct resolver *rs, const char *host)
{
	struct question *q;
	TAILQ_FOREACH (q, &rs->asking, entry)
		if (strcasecmp(q->a.host, host) == 0)
			return q;
	TAILQ_FOREACH (q, &rs->done, entry)
		if (!is_full(q) && strcasecmp(q->a.host, host) == 0)
			return q;
	return NULL;
}

static void
set_done(struct question *q)
{
	if (q->state == ASKING)
		TAILQ_REMOVE(&q->rs->asking, q, entry);
	q->state = DONE;
	TAILQ_INSERT_TAIL(&q->rs->done, q, entry);
	worker_wake_at(q->rs->w, q->rs->w->now);
}

static void
set_failed(struct question *q, const char *why)
{
	q->a.n = 0;
	q->a.why = why;
	set_done(q);
}

/* Sockets of c-ares ------------------------------------------------------- */

static void
arm(struct resolver *rs, struct watch *h)
{
	if (h->fd < 0 || h->armed == h->want)
		return;
	uint32_t i = (uint32_t)(h - rs->watch);
	if (h->armed != 0)
		loop_cancel(rs->w->loop, LOOP_RESOLVE, i, h->gen);
	h->gen = (h->gen + 1) & 0xffffff;
	h->armed = h->want;
	loop_watch(rs->w->loop, LOOP_RESOLVE, h->fd, h->want, i, h->gen);
}

/* c-ares closes it now. */
static void
unwatch(struct resolver *rs, struct watch *h)
{
	if (h->armed != 0)
		loop_cancel(rs->w->loop, LOOP_RESOLVE,
		    (uint32_t)(h - rs->watch), h->gen);
	*h = (struct watch){ .fd = -1, .gen = (h->gen + 1) & 0xffffff };
}

static struct watch *
watch_of(struct resolver *rs, int fd)
{
	for (unsigned i = 0; i < SOCKETS; i++)
		if (rs->watch[i].fd == fd)
			return &rs->watch[i];
	return NULL;
}

/*
 * c-ares says what it waits for; nothing: it closes the socket next.  With no
 * entry left the socket is not watched: its time-out leads to the next server.
 */
static void
socket_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
	struct resolver *rs = ctx;
	struct watch *h = watch_of(rs, fd);
	unsigned want =
	    (readable != 0 ? LOOP_IN : 0U) | (writable != 0 ? LOOP_OUT : 0U);
	if (want == 0) {
		if (h != NULL)
			unwatch(rs, h);
		return;
	}
	if (h == NULL && (h = watch_of(rs, -1)) != NULL)
		h->fd = fd;
	if (h == NULL)
		return;
	h->want = want;
	arm(rs, h);
}

void
resolve_event(struct worker *w, const struct loop_event *e)
{
	struct resolver *rs = w->resolver;
	bug_on(e->index >= SOCKETS);
	struct watch *h = &rs->watch[e->index];
	if (h->fd < 0 || h->gen != e->gen) {
		/* of one that was cancelled */
		return;
	}
	h->armed = 0;
	if (e->res < 0)
		return;
	int fd = h->fd;
	ares_process_fd(rs->channel, e->res & LOOP_IN ? fd : ARES_SOCKET_BAD,
	    e->res & LOOP_OUT ? fd : ARES_SOCKET_BAD);
	/* if it was closed meanwhile, the entry is free, or another's that is
	 * armed already */
	arm(rs, h);
}

/* The channel ------------------------------------------------------------- */

static void
close_channel(struct resolver *rs)
{
	if (rs->channel == NULL)
		return;
	ares_destroy(rs->channel);
	rs->channel = NULL;
	for (unsigned i = 0; i < SOCKETS; i++)
		bug_on(rs->watch[i].fd >= 0);
}

static struct version
version_of(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return (struct version){ 0 };
	return (struct version){ st.st_dev, st.st_ino, st.st_size, st.st_mtim };
}

static bool
same_version(const struct version *a, const struct version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* Returns ARES_SUCCESS, or what is wrong. */
static int
open_channel(struct resolver *rs)
{
	char lookups[] = "fb"; /* the hosts file, then servers */
	struct ares_options o = { .timeout = SERVER_MS,
		.tries = TRIES,
		.lookups = lookups,
		.sock_state_cb = socket_state,
		.sock_state_cb_data = rs };
	struct version v = version_of(RESOLV_CONF);
	if (rs->channel != NULL &&
	    (!TAILQ_EMPTY(&rs->asking) || same_version(&v, &rs->conf)))
		return ARES_SUCCESS;
	close_channel(rs);
	int r = ares_init_options(&rs->channel, &o,
	    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		ARES_OPT_SOCK_STATE_CB);
	if (r != ARES_SUCCESS) {
		rs->channel = NULL;
		return r;
	}
	rs->conf = v;
	if (rs->servers != NULL)
		r = ares_set_servers_ports_csv(rs->channel, rs->servers);
	return r;
}

int
resolve_init(struct worker *w, const char *hosts, const char *servers)
{
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return -ENOMEM;
	struct resolver *rs = calloc(1, sizeof *rs);
	if (rs == NULL)
		return -ENOMEM;
	rs->w = w;
	rs->hosts = hosts;
	rs->servers = servers;
	TAILQ_INIT(&rs->asking);
	TAILQ_INIT(&rs->done);
	for (unsigned i = 0; i < SOCKETS; i++)
		rs->watch[i].fd = -1;
	for (unsigned i = 0; i < RESOLVE_QUESTIONS; i++) {
		rs->question[i].rs = rs;
		TAILQ_INIT(&rs->question[i].waiters);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct question *q = &rs->full[i];
		q->rs = rs;
		TAILQ_INIT(&q->waiters);
		q->a.why = "too many names are asked for already";
	}
	w->resolver = rs;
	return 0;
}

void
resolve_fini(struct worker *w)
{
	close_channel(w->resolver);
	free(w->resolver);
	w->resolver = NULL;
	ares_library_cleanup();
}

/* Answers ----------------------------------------------------------------- */

/* Addresses, and for how long they hold. */
static void
take_addresses(struct question *q, const struct ares_addrinfo *ai)
{
	uint32_t ttl = KEEP_MAX_S;
	const struct ares_addrinfo_cname *c = ai->cnames;
	const struct ares_addrinfo_node *p = ai->nodes;
	for (; c != NULL; c = c->next)
		if (c->ttl < (int)ttl)
			ttl = c->ttl > 0 ? (uint32_t)c->ttl : 0;
	for (; p != NULL; p = p->ai_next) {
		if (p->ai_family != AF_INET && p->ai_family != AF_INET6)
			continue;
		if (p->ai_ttl < (int)ttl)
			ttl = p->ai_ttl > 0 ? (uint32_t)p->ai_ttl : 0;
		if (q->a.n < RESOLVE_ADDRS)
			addr_from_sockaddr(p->ai_addr, &q->a.addr[q->a.n++]);
	}
	q->ttl_s = ttl < KEEP_MIN_S ? KEEP_MIN_S : ttl;
}

static void
answered(void *ctx, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct question *q = ctx;
	(void)timeouts;
	if (status == ARES_EDESTRUCTION)
		return;
	bug_on(q->state != ASKING);
	if (status == ARES_SUCCESS)
		take_addresses(q, ai);
	if (ai != NULL)
		ares_freeaddrinfo(ai);
	if (q->a.n == 0) {
		q->ttl_s = FAILURE_S;
		set_failed(
		    q, ares_strerror(
			   status == ARES_SUCCESS ? ARES_ENODATA : status));
	} else {
		set_done(q);
	}
	remember(q->rs, &q->a, q->ttl_s);
}

static void
ask(struct resolver *rs, struct question *q)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	int r = open_channel(rs);
	if (r != ARES_SUCCESS) {
		set_failed(q, ares_strerror(r));
		return;
	}
	if (rs->hosts != NULL) {
		(void)setenv("CARES_HOSTS", rs->hosts, 1);
		hints.ai_flags = ARES_AI_ENVHOSTS;
	}
	q->state = ASKING;
	TAILQ_INSERT_TAIL(&rs->asking, q, entry);
	ares_getaddrinfo(rs->channel, q->a.host, NULL, &hints, answered, q);
}

/* Letters, digits and what stands between them in host names; no label is
 * empty. */
static bool
is_name(const char *host)
{
	size_t n = strlen(host);
	if (n == 0 || n >= RESOLVE_HOST || host[0] == '.' ||
	    strstr(host, "..") != NULL)
		return false;
	for (; *host != '\0'; host++)
		if (!isalnum((unsigned char)*host) &&
		    strchr("-_.", *host) == NULL)
			return false;
	return true;
}

static bool
is_numeric(const char *host, struct addr *a)
{
	size_t n = strlen(host);
	if (n > 2 && host[0] == '[' && host[n - 1] == ']')
		return addr_parse(host + 1, n - 2, a) == 0 && !addr_is_v4(a);
	return addr_parse(host, n, a) == 0;
}

/* A question of its own, answered at once if that is possible. */
static struct question *
new_question(struct resolver *rs, const char *host)
{
	const struct answer *had = recall(rs, host);
	struct question *q = take_question(rs, host);
	if (q == NULL)
		return NULL;
	if (is_numeric(host, &q->a.addr[0])) {
		q->a.n = 1;
		set_done(q);
	} else if (!is_name(host)) {
		set_failed(q, "not a host name");
	} else if (had != NULL) {
		q->a = *had;
		set_done(q);
	} else {
		ask(rs, q);
	}
	return q;
}

static struct question *
full_question(struct resolver *rs)
{
	struct question *q = &rs->full[rs->full[0].state == TELLING];
	if (q->state == FREE)
		set_done(q);
	return q;
}

void
resolve_start(struct worker *w, struct resolve *r, const char *host,
    resolve_fn *fn, void *ctx)
{
	struct resolver *rs = w->resolver;
	bug_on(r->question != NULL);
	struct question *q = find_question(rs, host);
	if (q == NULL)
		q = new_question(rs, host);
	if (q == NULL)
		q = full_question(rs);
	r->question = q;
	r->fn = fn;
	r->ctx = ctx;
	TAILQ_INSERT_TAIL(&q->waiters, r, entry);
	worker_wake_at(w, w->now);
}

void
resolve_stop(struct worker *w, struct resolve *r)
{
	(void)w;
	if (r->question == NULL)
		return;
	TAILQ_REMOVE(&r->question->waiters, r, entry);
	r->question = NULL;
}

/* Each turn --------------------------------------------------------------- */

static void
check_timeouts(struct resolver *rs)
{
	struct timeval tv, *left = ares_timeout(rs->channel, NULL, &tv);
	if (left != NULL && left->tv_sec == 0 && left->tv_usec == 0) {
		ares_process_fd(rs->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		left = ares_timeout(rs->channel, NULL, &tv);
	}
	if (left != NULL)
		worker_wake_at(rs->w,
		    mono_add_ms(rs->w->now, (uint64_t)left->tv_sec * 1000 +
						(uint64_t)left->tv_usec / 1000 +
						1));
}

/* Who asks again in fn gets a question of his own, told in the next turn. */
static void
tell(struct worker *w, struct question *q)
{
	struct resolve *r;
	char error[RESOLVE_HOST + 80] = "";
	if (q->a.n == 0)
		snprintf(error, sizeof error, "%s%s%s", q->a.host,
		    q->a.host[0] != '\0' ? ": " : "", q->a.why);
	q->state = TELLING;
	while ((r = TAILQ_FIRST(&q->waiters)) != NULL) {
		TAILQ_REMOVE(&q->waiters, r, entry);
		r->question = NULL;
		r->fn(w, r->ctx, q->a.addr, q->a.n, error);
	}
	free_question(q);
}

void
resolve_tick(struct worker *w)
{
	struct resolver *rs = w->resolver;
	struct questions now = TAILQ_HEAD_INITIALIZER(now);
	struct question *q;
	if (!TAILQ_EMPTY(&rs->asking))
		check_timeouts(rs);
	TAILQ_CONCAT(&now, &rs->done, entry);
	while ((q = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, q, entry);
		tell(w, q);
	}
	if (!TAILQ_EMPTY(&rs->done))
		worker_wake_at(w, w->now);
}
