/*
 * fakenet - worker/resolve.h and worker/dial.h without a network: nobody is ever
 * reached, and nothing is called back.
 */
#include "config.h"

#include "worker/dial.h"
#include "worker/resolve.h"

void
resolve_start(struct worker *w, struct resolve *r, const char *host,
    resolve_fn *fn, void *ctx)
{
	(void)w;
	(void)host;
	r->fn = fn;
	r->ctx = ctx;
}

void
resolve_stop(struct worker *w, struct resolve *r)
{
	(void)w;
	r->fn = NULL;
}

void
dial_start(struct worker *w, struct dial *d, const struct addr *addrs,
    unsigned n, uint16_t port, const char *local, unsigned timeout_ms,
    dial_fn *fn, void *ctx)
{
	(void)w;
	(void)addrs;
	(void)n;
	(void)port;
	(void)local;
	(void)timeout_ms;
	d->fn = fn;
	d->ctx = ctx;
}

void
dial_stop(struct worker *w, struct dial *d)
{
	(void)w;
	d->fn = NULL;
}
