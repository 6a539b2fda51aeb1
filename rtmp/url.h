/*
 * url - RTMP addresses, application and stream names.  Everything is a span
 * of the input; nothing is decoded, copied or allocated.
 * Context: any.
 */
#ifndef RTMP_URL_H
#define RTMP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"

enum { URL_PORT = 1935 };

/* scheme://host[:port]/app[/instance][?query], as in tcUrl. */
struct url_tc {
	struct span scheme;   /* as written: "rtmp", "RTMPS" */
	struct span host;     /* without brackets; "" if missing */
	uint16_t port;	      /* 0 if not written */
	struct span path;     /* app, instance and query as sent, no slash */
	struct span app;      /* "" if missing */
	struct span instance; /* "_definst_" if missing */
	struct span query;    /* without the question mark */
};

/*
 * Split a tcUrl.  A host may be missing (rtmp:/app, rtmp:///app).
 * Returns	false: no scheme, a port that is no number from 1 to 65535,
 *		an unclosed bracket, a byte below 33 or 127
 */
bool url_split_tc(struct span s, struct url_tc *u);

/*
 * Split the app property of connect: app[/instance][?query], slashes around
 * it taken away, instance "_definst_" if missing.
 */
struct url_app {
	struct span app, instance, query;
};
void url_split_app(struct span s, struct url_app *a);

/*
 * The URL of a stream, for clients.  As FFmpeg does (libavformat/rtmpproto.c)
 * the app is the first segment of the path, or the first two if three or more
 * follow and no colon stands before the third.
 */
struct url_stream {
	struct span scheme, host;
	uint16_t port; /* URL_PORT if not written */
	struct span app;
	struct span stream; /* with ?query */
	struct span tc_url; /* the part of s before the stream */
};
/* Returns false also if host, app or stream is missing. */
bool url_split_stream(struct span s, struct url_stream *u);

/*
 * The name in publish and play: leading slashes are taken away, name is the
 * part before "?", query the part behind.
 */
struct url_name {
	struct span name, query;
};
void url_split_name(struct span s, struct url_name *n);

/*
 * The value of name in a query, name=value&name=value, as it stands there: the
 * first.  Returns false if there is none.
 */
bool url_query(struct span query, const char *name, struct span *value);

/* name without mp4:, flv:, mp3:, id3:, raw: (recordings); a caller's choice. */
struct span url_strip_prefix(struct span name);

/* Hosts and schemes do not mind the case of ASCII letters. */
bool url_same_host(struct span a, struct span b);

#endif
