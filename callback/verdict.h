/*
 * verdict - what an HTTP answer says about a client.
 *
 *	answer				json, nginx-rtmp	srs
 *	200, 201			allow			by its body
 *	other 2xx			allow			fail
 *	3xx, Location a name		rename			fail
 *	3xx, Location rtmp://...	redirect		fail
 *	other 3xx			fail			fail
 *	4xx				refuse			refuse
 *	anything else			fail			fail
 *
 * Body of srs: 0, or an object whose code is 0: allow; another number: refuse;
 * anything else: fail.
 *
 * Pure: no I/O.  Context: any.
 */
#ifndef CALLBACK_VERDICT_H
#define CALLBACK_VERDICT_H

#include "common/cursor.h"
#include "common/hooks.h"

/* A whole answer; what breaks off is none. */
struct http_answer {
	int status;	      /* 0: there was no answer */
	struct span location; /* value of that field, "" if it has none */
	struct span body;     /* at most HOOKS_BODY bytes */
};

struct decision {
	enum hook_verdict verdict;
	char text[HOOKS_TEXT]; /* for people: why; UTF-8 without controls */
	char name[HOOKS_NAME]; /* of rename, redirect */
};

/* e: a connection cannot be renamed, and what has ended is only told about. */
void verdict_of(enum hook_format f, enum hook_event e,
    const struct http_answer *a, struct decision *d);

/* There was no answer: fail, for that reason. */
void verdict_none(const char *why, struct decision *d);

#endif
