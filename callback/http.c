#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback/http.h"

enum { KEPT = 64 /* idle connections */ };

/* A request on its way. */
struct transfer {
	LIST_ENTRY(transfer) next;
	struct http *http;
	struct ask *ask;
	CURL *easy;
	struct curl_slist *headers;
	struct format_body body;
	bool too_long;
	bool whole; /* all fields of the answer have come */
	size_t len;
	char answer[HOOKS_BODY], error[CURL_ERROR_SIZE];
};

struct http {
	CURLM *multi;
	http_done_fn *fn;
	void *arg;
	unsigned count;
	LIST_HEAD(, transfer) list;
};

struct http *
http_new(http_done_fn *fn, void *arg)
{
	struct http *h = calloc(1, sizeof *h);
	if (h == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		return NULL;
	}
	h->fn = fn;
	h->arg = arg;
	LIST_INIT(&h->list);
	h->multi = curl_multi_init();
	if (h->multi == NULL ||
	    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)KEPT) !=
		CURLM_OK) {
		http_free(h);
		return NULL;
	}
	return h;
}

static void
drop(struct transfer *t)
{
	LIST_REMOVE(t, next);
	t->http->count--;
	if (t->easy != NULL) {
		(void)curl_multi_remove_handle(t->http->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->headers);
	free(t->body.text);
	free(t);
}

void
http_free(struct http *h)
{
	struct transfer *t;
	while ((t = LIST_FIRST(&h->list)) != NULL) {
		ask_free(t->ask);
		drop(t);
	}
	if (h->multi != NULL)
		(void)curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	free(h);
}

unsigned
http_count(const struct http *h)
{
	return h->count;
}

/* Sending. ---------------------------------------------------------------- */

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	n *= size;
	if (n > sizeof t->answer - t->len) {
		t->too_long = true;
		return 0; /* libcurl ends it */
	}
	memcpy(t->answer + t->len, p, n);
	t->len += n;
	return n;
}

/* A line of the answer's head: libcurl takes one that breaks off as whole. */
static size_t
take_head(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	n *= size;
	t->whole = (n == 2 && p[0] == '\r' && p[1] == '\n') ||
		   (n == 1 && p[0] == '\n');
	return n;
}

/* "" takes away a header that libcurl would send by itself. */
static bool
add_headers(struct transfer *t)
{
	char type[128];
	snprintf(type, sizeof type, "Content-Type: %s", t->body.type);
	const char *const all[] = { type, "Expect:", "Accept: */*",
		"User-Agent: Sluice/" PACKAGE_VERSION };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct curl_slist *l = curl_slist_append(t->headers, all[i]);
		if (l == NULL)
			return false;
		t->headers = l;
	}
	return true;
}

static bool
set_request(struct transfer *t, long ms)
{
	CURL *e = t->easy;
	return curl_easy_setopt(e, CURLOPT_URL, t->ask->url) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") ==
		   CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers) ==
		   CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->body.text) ==
		   CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
		   (curl_off_t)t->body.len) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, ms) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body) ==
		   CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEDATA, t) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_head) ==
		   CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PRIVATE, t) == CURLE_OK;
}

/* One connection for each request at a time; nothing is followed or guessed. */
static bool
set_manner(CURL *e)
{
	return curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
		   (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	       /* nobody waits for a resolver that does not answer */
	       curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static void
report(struct transfer *t, const struct decision *d, int status)
{
	struct http *h = t->http;
	struct ask *a = t->ask;
	drop(t);
	a->transfer = NULL;
	h->fn(h->arg, a, d, status);
}

void
http_start(struct http *h, struct ask *a, struct mono now)
{
	struct decision d;
	struct transfer *t = calloc(1, sizeof *t);
	if (t == NULL) {
		verdict_none("no memory", &d);
		h->fn(h->arg, a, &d, 0);
		return;
	}
	t->http = h;
	t->ask = a;
	a->transfer = t;
	LIST_INSERT_HEAD(&h->list, t, next);
	h->count++;
	long ms =
	    mono_before(now, a->until) ? (long)mono_ms_since(now, a->until) : 0;
	ms = ms < (long)a->ms ? ms : (long)a->ms;
	t->easy = curl_easy_init();
	int r = format_request(a->format, &a->facts, &t->body);
	if (ms == 0) {
		verdict_none("no answer in time: too many others wait", &d);
		report(t, &d, 0);
	} else if (r == -EINVAL) {
		verdict_none("its format has no such request", &d);
		report(t, &d, 0);
	} else if (r != 0 || t->easy == NULL || !add_headers(t) ||
		   !set_request(t, ms) || !set_manner(t->easy) ||
		   curl_multi_add_handle(h->multi, t->easy) != CURLM_OK) {
		verdict_none("libcurl takes no more requests", &d);
		report(t, &d, 0);
	}
}

/* Answers. ---------------------------------------------------------------- */

/* The one Location of an answer, as it was sent; "" if it has none, or two. */
static struct span
location_of(CURL *easy)
{
	struct curl_header *h;
	if (curl_easy_header(easy, "Location", 0, CURLH_HEADER, -1, &h) !=
		CURLHE_OK ||
	    h->amount != 1)
		return span_of("");
	return span_of(h->value);
}

static void
judge(struct transfer *t, CURLcode r, int status, struct decision *d)
{
	char why[sizeof t->error + 16];
	const char *text = t->error[0] ? t->error : curl_easy_strerror(r);
	if (r == CURLE_OK && t->whole) {
		struct http_answer a = { status, location_of(t->easy),
			{ t->answer, t->len } };
		verdict_of(t->ask->format, t->ask->facts.event, &a, d);
		return;
	}
	if (r == CURLE_OK)
		text = "its answer breaks off";
	else if (t->too_long)
		text = "its answer is too long";
	else if (r == CURLE_OPERATION_TIMEDOUT)
		text = "no answer in time";
	snprintf(why, sizeof why, "%s", text);
	verdict_none(why, d);
}

static void
finish(struct transfer *t, CURLcode r)
{
	struct decision d;
	long status = 0;
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 0 || status > 999)
		status = 0;
	judge(t, r, (int)status, &d);
	report(t, &d, (int)status);
}

static void
take_results(struct http *h)
{
	CURLMsg *m;
	int left;
	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct transfer *t = NULL;
		CURLcode r = m->data.result;
		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) ==
			CURLE_OK &&
		    t != NULL)
			finish(t, r);
	}
}

int
http_wait(struct http *h, int fd, int ms)
{
	struct curl_waitfd w = { .fd = fd, .events = CURL_WAIT_POLLIN };
	int running;
	if (curl_multi_perform(h->multi, &running) != CURLM_OK)
		return -1;
	take_results(h);
	if (curl_multi_poll(h->multi, &w, 1, ms, NULL) != CURLM_OK ||
	    curl_multi_perform(h->multi, &running) != CURLM_OK)
		return -1;
	take_results(h);
	return 0;
}
