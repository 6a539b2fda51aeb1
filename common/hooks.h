/*
 * hooks - what the master and sluice-callback say to each other: one process of
 * sluice-callback asks, by HTTP, whom the configuration names (Callbacks in
 * Application.xml).
 *
 * Over a SOCK_SEQPACKET pair (descriptor HOOKS_FD of the process), one JSON
 * object is one message, at most HOOKS_MAX bytes.  "t" is its kind.  Descriptor
 * HOOKS_LOG_FD is the log writer's socket (common/log.h).
 *
 * master -> callback
 *
 *	setup	server, service	first message.  Names of this server, and of this
 *				run of it
 *	ask	id, event, format, url, ms, and facts
 *				-> answer.  id: a number of the master's.  event,
 *				format: names of below.  A question (hook_is_question())
 *				is answered within ms milliseconds; news may wait for
 *				HOOKS_LINE_MS before, questions go first
 *	quit			end when what was asked is answered
 *
 * Facts are those of struct facts (callback/format.h), left out when they are
 * empty or zero.
 *
 * callback -> master
 *
 *	ready			after setup
 *	answer	id, verdict, text, name, status
 *				verdict: a name of below; text for people; name: of
 *				rename the stream's, of redirect the URL; status: of
 *				HTTP, 0 if there is none
 *
 * Neither side trusts the other more than that: what is malformed, unknown or about
 * something that is over is passed over.
 */
#ifndef COMMON_HOOKS_H
#define COMMON_HOOKS_H

#include <stdbool.h>

enum {
	HOOKS_FD = 3,
	HOOKS_LOG_FD = 4,
	HOOKS_MAX = 16384,     /* bytes of a message */
	HOOKS_AT_ONCE = 200,   /* requests on the way; others wait in line */
	HOOKS_NEWS = 100,      /* of them no questions, at most */
	HOOKS_LINE_MS = 60000, /* that news wait in line, at most */
	HOOKS_WAITING = 32768, /* in line; above that an ask fails at once */
	HOOKS_BODY = 16384, /* bytes of an answer's body that are looked at */
	HOOKS_TEXT = 160,   /* of a text for people, NUL included */
	HOOKS_NAME = 256,   /* of a name or a URL in an answer, NUL included */
	HOOKS_EXIT_ENGINE = 77, /* libcurl failed, or the protocol did */
	HOOKS_EXIT_NO_MASTER = 79
};

enum hook_event {
	HOOK_CONNECT,
	HOOK_PUBLISH,
	HOOK_PLAY,
	HOOK_PUBLISH_DONE,
	HOOK_PLAY_DONE,
	HOOK_DISCONNECT,
	HOOK_UPDATE,
	HOOK_EVENTS
};

enum hook_format {
	HOOK_JSON,  /* ours */
	HOOK_NGINX, /* nginx-rtmp */
	HOOK_SRS,
	HOOK_FORMATS
};

enum hook_verdict {
	HOOK_ALLOW,
	HOOK_REFUSE,
	HOOK_RENAME,
	HOOK_REDIRECT,
	HOOK_FAIL, /* no answer, or none that means something */
	HOOK_VERDICTS
};

/* Does a client wait for the answer? */
bool hook_is_question(enum hook_event e);

/* "on_publish", "nginx-rtmp", "allow"; the number of a name, or -1. */
const char *hook_event_name(enum hook_event e);
const char *hook_format_name(enum hook_format f);
const char *hook_verdict_name(enum hook_verdict v);
int hook_event_find(const char *name);
int hook_format_find(const char *name);
int hook_verdict_find(const char *name);

#endif
