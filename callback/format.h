/*
 * format - what happened, as the body of an HTTP request that an existing
 * receiver understands: nginx-rtmp's (its notify directives), SRS's (its HTTP
 * hooks), or our own.
 *
 *		json		nginx-rtmp		srs
 *	type	application/	application/x-www-	application/json
 *		json		form-urlencoded
 *	on_connect	event	call=connect		action on_connect
 *	on_publish		call=publish		on_publish
 *	on_play			call=play		on_play
 *	on_publish_done		call=publish_done	on_unpublish
 *	on_play_done		call=play_done		on_stop
 *	on_disconnect		call=disconnect		on_close
 *	on_update		call=update_publish,	(it has none)
 *				call=update_play
 *
 * Pure: no I/O.  Context: any.
 */
#ifndef CALLBACK_FORMAT_H
#define CALLBACK_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "common/hooks.h"

/* What happened.  Texts are as the client sent them, "" if it sent none. */
struct facts {
	enum hook_event event;
	uint64_t client;  /* its id */
	struct span addr; /* "192.0.2.1:4711", "[2001:db8::1]:4711" */
	struct span vhost, app;
	struct span instance;	  /* "_definst_" if none was named */
	struct span stream;	  /* "" for connect, disconnect */
	struct span args;	  /* behind its question mark */
	struct span connect_args; /* behind that of app, or of tcUrl */
	struct span tc_url, page_url, swf_url, flash_ver;
	struct span type;	      /* of publish: "live" */
	bool playing;		      /* update: of a play, not a publish */
	int64_t start_ms, length_ms;  /* play: as sent; length 0: not sent */
	bool reset;		      /* play: it was sent, and true */
	uint64_t epoch_ms;	      /* connect: some clock, 32 bits of it */
	uint64_t seconds;	      /* since publish, play, connect */
	uint32_t timestamp_ms;	      /* update: media time of the stream */
	uint64_t bytes_in, bytes_out; /* of the connection */
	struct span server;  /* name of this server, the same after a restart */
	struct span service; /* of this run of it */
};

struct format_body {
	const char *type; /* Content-Type */
	size_t len;
	char *text; /* the caller's, to be given to free(); ends with a NUL */
};

/* Has that format such a request? */
bool format_has(enum hook_format f, enum hook_event e);

/*
 * Returns	0, or -EINVAL: the format has no such request; -ENOMEM
 */
int format_request(
    enum hook_format f, const struct facts *what, struct format_body *body);

#endif
