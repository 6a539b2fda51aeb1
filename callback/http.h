/*
 * http - requests on their way, with libcurl.  An answer counts when it is whole, has
 * at most HOOKS_BODY bytes of a body, and came in time; redirections are the
 * master's business, so none is followed.  Certificates are checked.
 * Context: sluice-callback, one thread.
 */
#ifndef CALLBACK_HTTP_H
#define CALLBACK_HTTP_H

#include "callback/ask.h"

struct http;

/* It is over: d says how, status is that of HTTP or 0.  Takes the ask. */
typedef void http_done_fn(
    void *arg, struct ask *a, const struct decision *d, int status);

/* NULL: libcurl cannot work, or there is no memory. */
struct http *http_new(http_done_fn *fn, void *arg);
/* Asks on their way are freed without an answer. */
void http_free(struct http *h);

/* Send it; fn is called later, or at once. */
void http_start(struct http *h, struct ask *a, struct mono now);

/* How many are on their way. */
unsigned http_count(const struct http *h);

/*
 * Wait until something happens to a request, fd has something to read, or ms
 * milliseconds passed, and deal with the requests.  Returns 0, or -1: libcurl failed.
 */
int http_wait(struct http *h, int fd, int ms);

#endif
