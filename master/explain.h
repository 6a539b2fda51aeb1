/*
 * explain - what this server makes of a URL: virtual host, application, and the
 * entries of the route table, with the reason for each step (sluicectl route
 * explain).
 * Context: the main thread.
 */
#ifndef MASTER_EXPLAIN_H
#define MASTER_EXPLAIN_H

#include <jansson.h>

struct master;

/*
 * {"url": "rtmp://host[:port]/app[/instance]"}
 * {"ok": true, "vhost", "vhost_by", "mode", "app", "app_is", "entries": [{"line",
 * "entry", "to", "why"}], "result"}; entries that match, and some of the others
 */
json_t *explain_url(struct master *m, const json_t *req);

#endif
