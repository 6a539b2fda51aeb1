#include "config.h"

#include <string.h>

#include "common/bug.h"
#include "t/fuzz/fakenet.h"

enum { WAITING = 1024 };

struct waits {
	struct worker *w;
	void *what; /* struct resolve, struct dial */
};

/* In the order in which they came. */
struct waiting {
	struct waits at[WAITING];
	unsigned n;
};

static struct waiting resolving, dialling;

static void
enter(struct waiting *l, struct worker *w, void *what)
{
	bug_on(l->n == WAITING);
	l->at[l->n++] = (struct waits){ w, what };
}

static void
leave(struct waiting *l, const void *what)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (l->at[i].what != what)
			continue;
		l->n--;
		memmove(&l->at[i], &l->at[i + 1], (l->n - i) * sizeof l->at[0]);
		return;
	}
}

static unsigned
count(const struct waiting *l, const struct worker *w)
{
	unsigned n = 0;
	for (unsigned i = 0; i < l->n; i++)
		n += l->at[i].w == w;
	return n;
}

/* The first of w, which waits no more; or NULL. */
static void *
take(struct waiting *l, const struct worker *w)
{
	for (unsigned i = 0; i < l->n; i++) {
		void *what = l->at[i].what;
		if (l->at[i].w != w)
			continue;
		leave(l, what);
		return what;
	}
	return NULL;
}

void
resolve_start(struct worker *w, struct resolve *r, const char *host,
    resolve_fn *fn, void *ctx)
{
	(void)host;
	r->fn = fn;
	r->ctx = ctx;
	enter(&resolving, w, r);
}

void
resolve_stop(struct worker *w, struct resolve *r)
{
	(void)w;
	r->fn = NULL;
	leave(&resolving, r);
}

void
dial_start(struct worker *w, struct dial *d, const struct addr *addrs,
    unsigned n, uint16_t port, const char *local, unsigned timeout_ms,
    dial_fn *fn, void *ctx)
{
	(void)local;
	(void)timeout_ms;
	bug_on(n == 0);
	d->addr[0] = addrs[0];
	d->port = port;
	d->fn = fn;
	d->ctx = ctx;
	enter(&dialling, w, d);
}

void
dial_stop(struct worker *w, struct dial *d)
{
	(void)w;
	d->fn = NULL;
	leave(&dialling, d);
}

/* The test's side ------------------------------------------------------------ */

unsigned
fakenet_resolving(const struct worker *w)
{
	return count(&resolving, w);
}

unsigned
fakenet_dialling(const struct worker *w)
{
	return count(&dialling, w);
}

bool
fakenet_resolve(struct worker *w, const struct addr *a, const char *why)
{
	struct resolve *r = take(&resolving, w);
	if (r == NULL)
		return false;
	r->fn(w, r->ctx, a, a != NULL ? 1 : 0, why);
	return true;
}

bool
fakenet_dial(struct worker *w, int fd, const char *why)
{
	struct dial *d = take(&dialling, w);
	if (d == NULL)
		return false;
	struct addr peer = d->addr[0];
	d->fn(w, d->ctx, fd, fd >= 0 ? &peer : NULL, why);
	return true;
}
