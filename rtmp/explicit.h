/*
 * explicit - addresses that name the servers on the way, behind the one that the
 * client connects to:
 *
 *	rtmp://edge/?rtmp://edge2/?rtmp://origin/app/instance?query
 *
 * Each server takes its own part away and goes on with the rest.  A question mark
 * that no scheme and ":/" follow begins a query.
 *
 * Clients that know nothing of it cut such an address in two: FFmpeg calls the
 * application "?rtmp:/" and the stream "origin/app/instance/name", librtmp
 * "?rtmp://origin" and "app/instance/name".  Their rest is partial until the name
 * of a stream comes, and explicit_join() puts it together again.
 *
 * Pure: spans of the input, no allocation.  Context: any.
 */
#ifndef RTMP_EXPLICIT_H
#define RTMP_EXPLICIT_H

#include "rtmp/url.h"

enum { EXPLICIT_SERVERS = 16 }; /* behind this one, at most */

/* What is left behind the own part. */
struct explicit_url {
	struct span rest;   /* all of it: goes on as tcUrl */
	struct span scheme; /* of the next server, "rtmp" */
	struct span host;   /* without brackets; "" only when partial */
	uint16_t port;	    /* URL_PORT, or 443 of rtmps, if not written */
	struct span app, instance, query; /* of the last server; partial: "" */
	unsigned servers;
	bool partial; /* the application comes with the stream's name */
};

/*
 * Is connect explicit?  Looked for in tcUrl, then in the app.
 * Returns	the rest, for explicit_parse(), in *rest; false: a plain address
 */
bool explicit_find(struct span tc_url, struct span app, struct span *rest);

/*
 * Returns	false: not rtmp://host[:port]/..., or more than EXPLICIT_SERVERS
 */
bool explicit_parse(struct span rest, struct explicit_url *u);

/*
 * A partial rest with the name of publish or play, as sent.
 *
 * out		of size bytes: the whole address, which *u and *stream are spans of
 * stream	the stream's name, with its query
 * Returns	false: still no address of a stream, or it does not fit
 */
bool explicit_join(struct span rest, struct span name, char *out, size_t size,
    struct explicit_url *u, struct span *stream);

/*
 * The same for all spellings of an address: hosts in lower case, ports written, no
 * instance and no query: "?rtmp://edge2:1935/?rtmp://origin:1935/app".
 * Returns	false: it does not fit
 */
bool explicit_normal(const struct explicit_url *u, struct writer *w);

/* Is it the application of a key that explicit_normal() made? */
static inline bool
explicit_is(struct span app)
{
	return app.len > 0 && app.p[0] == '?';
}

/*
 * Of such an application what the next server is to be told as app,
 * "?rtmp://origin:1935/app" or "app".  See also conf_app_name().
 */
struct span explicit_next_app(struct span app);

#endif
