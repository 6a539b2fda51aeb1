/*
 * auth_ctl - requests of the control socket about keys: what an encoder needs,
 * tokens.  JSON of common/ctl_cmds.def.  Whoever may open the socket may see
 * the keys.
 * Context: the main thread.
 */
#ifndef MASTER_AUTH_CTL_H
#define MASTER_AUTH_CTL_H

#include <jansson.h>
#include <stddef.h>

struct master;

enum { TOKEN_SECONDS_MAX = 10 * 366 * 86400 };

/*
 * {"app", "instance", "stream", "vhost", "host"}
 *	-> {"ok": true, "server", "key", "servers": [...]}
 */
json_t *auth_stream_url(struct master *m, const json_t *req);

/*
 * {"app", "instance", "stream", "vhost", "use", "for_s", "addr",
 * "host"}
 *	-> {"ok": true, "token", "key", "expires", "server"}
 */
json_t *auth_token_make(struct master *m, const json_t *req);

/*
 * {"app", "instance", "stream", "vhost", "use", "token", "addr"}
 *	-> {"ok": true, "valid", "text", "reason", "addr", "expires"}
 */
json_t *auth_token_check(struct master *m, const json_t *req);

/*
 * The server as clients name it, by its first listener that they can reach:
 * "rtmp://192.0.2.1:1935/live", "rtmp://[2001:db8::1]:1935/live/room".
 * inst: NULL, none
 */
void auth_server(
    struct master *m, const char *app, const char *inst, char *url, size_t len);

#endif
