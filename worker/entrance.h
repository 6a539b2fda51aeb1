/*
 * entrance - where a client wants to go, by its connect: virtual host, application
 * and instance, and what an edge goes on with.  Whether it is let in there is
 * decided by others.
 * Pure, but for the configuration.  Context: any.
 */
#ifndef WORKER_ENTRANCE_H
#define WORKER_ENTRANCE_H

#include "common/conf.h"
#include "common/ipc.h"
#include "common/reason.h"
#include "rtmp/cmd.h"
#include "rtmp/explicit.h"
#include "rtmp/url.h"

struct entrance {
	const struct conf_vhost *vhost;
	/* whose limits hold; before it is known the first of the vhost */
	const struct conf_app *app;
	struct url_app at; /* app, instance and query of the last server */
	struct span url;   /* edges: tcUrl of the client to go on with */
	bool is_explicit, partial; /* the rest comes with a stream's name */
	uint32_t prefix_len;	   /* vhost NUL app NUL instance */
	uint32_t query_len;
	char prefix[IPC_KEY_MAX];
	char query[IPC_QUERY_MAX]; /* keys and tokens: wipe it */
	char normal[IPC_KEY_MAX];  /* explicit: at.app points here */
	char words[IPC_TEXT_MAX];  /* what is wrong, or "" for reason_text() */
};

/*
 * Fill in e.
 * Returns REASON_NONE, or why nobody gets in there; vhost and app are set then too
 */
enum reason entrance_find(
    const struct conf *conf, const struct cmd_connect *cc, struct entrance *e);

/* The same of virtual host v for an address that was partial before. */
enum reason entrance_bind(const struct conf *conf, const struct conf_vhost *v,
    const struct explicit_url *u, struct entrance *e);

/* Printable, not empty, not more than max bytes? */
bool entrance_name_ok(struct span s, size_t max);

#endif
