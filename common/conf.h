/*
 * conf - the parsed configuration: plain data without pointers, written by
 * the master before any fork, read-only afterwards.  Workers get the very
 * bytes (conf->bytes of them) in a sealed memfd; both sides are of one build,
 * which conf_magic checks.
 *
 *	| struct conf | vhosts | apps | aliases | routes | nets | targets |
 *
 * struct conf holds what is said once for the server.  vhost 0 is
 * _defaultVHost_, which takes every host name that no other has.  Each vhost
 * has a general application, which stands for every name, and behind it those
 * with settings of their own, in the order of strcmp().
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "common/hooks.h"
#include "common/route.h"

#define CONF_DEFAULT_VHOST "_defaultVHost_"

enum {
	CONF_STRING = 256,	/* bytes of a text parameter, NUL included */
	CONF_NAME = ROUTE_HOST, /* of a host, an application; NUL included */
	CONF_LISTEN_MAX = 16,	/* addresses in HostPortList */
	CONF_VHOSTS_MAX = 256,
	CONF_APPS_MAX = 16384,
	CONF_ALIASES_MAX = 4096,
	CONF_ROUTES_MAX = 4096,
	CONF_NETS_MAX = 4096,	/* in Allow, in Deny */
	CONF_TARGETS_MAX = 1024 /* Republish/Target */
};

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
};

enum conf_slow { CONF_SLOW_SKIP, CONF_SLOW_AUDIO, CONF_SLOW_CLOSE };

enum conf_mode { CONF_MODE_LOCAL, CONF_MODE_REMOTE };

enum conf_check { CONF_CHECK_EDGE, CONF_CHECK_ORIGIN, CONF_CHECK_NONE };

/* Latency: a window of that many ms from 0 (lowest), or: */
enum { CONF_LATENCY_BALANCED = -1, CONF_LATENCY_THROUGHPUT = 350 };

enum conf_fail { CONF_FAIL_CLOSED, CONF_FAIL_OPEN };

enum conf_order { CONF_ALLOW_DENY, CONF_DENY_ALLOW };

enum conf_type {
	CONF_INT,
	CONF_SECONDS,
	CONF_MILLIS,
	CONF_SIZE,
	CONF_KBYTES,
	CONF_BOOL,
	CONF_LEVEL,
	CONF_MODE,
	CONF_CHECK,
	CONF_SLOW,
	CONF_LATENCY,
	CONF_NETS,
	CONF_ORDER,
	CONF_FORMAT,
	CONF_FAIL,
	CONF_HTTP,
	CONF_STRING_TYPE
};

enum conf_file { CONF_SERVER, CONF_ADAPTOR, CONF_VHOST, CONF_APP };

/* One address to listen on, from Adaptor.xml HostPortList or the default. */
struct conf_listen {
	char host[64]; /* numeric address; "0.0.0.0" and "::" are any */
	uint16_t port;
	bool implicit; /* a default: [::] may be missing on this machine */
	int32_t line;  /* in Adaptor.xml, 0 = built-in default */
};

/* Which of three is meant, by the file of a parameter. */
#define CONF_IF_SERVER(server, vhost, app)  server
#define CONF_IF_ADAPTOR(server, vhost, app) server
#define CONF_IF_VHOST(server, vhost, app)   vhost
#define CONF_IF_APP(server, vhost, app)	    app

#define CONF_FIELD_INT	   int64_t
#define CONF_FIELD_SECONDS int64_t
#define CONF_FIELD_MILLIS  int64_t
#define CONF_FIELD_SIZE	   int64_t
#define CONF_FIELD_KBYTES  int64_t
#define CONF_FIELD_BOOL	   int64_t
#define CONF_FIELD_LEVEL   int64_t
#define CONF_FIELD_MODE	   int64_t
#define CONF_FIELD_CHECK   int64_t
#define CONF_FIELD_SLOW	   int64_t
#define CONF_FIELD_LATENCY int64_t
#define CONF_FIELD_NETS	   char_conf_string
#define CONF_FIELD_ORDER   int64_t
#define CONF_FIELD_FORMAT  int64_t /* enum hook_format */
#define CONF_FIELD_FAIL	   int64_t
#define CONF_FIELD_HTTP	   char_conf_string
#define CONF_FIELD_STRING  char_conf_string
typedef char char_conf_string[CONF_STRING];

/*
 * A limit that holds over all workers: where its words lie (shm/seats.h).
 * Made by the master.
 */
struct seat_range {
	uint32_t first; /* of 1 + count words */
	uint32_t count; /* seats; 0: nobody sits */
};

enum seat_kind { SEAT_WAITING, SEAT_KINDS };

#define CONF_FIELD(member, type) CONF_FIELD_##type member;
#define CONF_NO_FIELD(member, type)

/* An application, or all of a virtual host. */
struct conf_app {
#define PARAM(member, type, file, path, def, min, max, text)                   \
	CONF_IF_##file(CONF_NO_FIELD, CONF_NO_FIELD, CONF_FIELD)(member, type)
#include "common/conf_params.def"
#undef PARAM
	uint32_t vhost;	  /* its index */
	uint32_t faulty;  /* its Application.xml is wrong: nobody is let in */
	uint32_t script;  /* it has a main.asc, which is asked about clients; */
	uint32_t implied; /* nothing else: as the general one, and not shown */
	char name[CONF_NAME]; /* "": the general one */
};

/* Another name of a virtual host. */
struct conf_alias {
	char name[CONF_NAME];
	uint32_t vhost, line; /* in its Vhost.xml */
};

/* Streams of an application that go to another server: master/target_rule.h. */
struct conf_target {
	char app[CONF_NAME]; /* "": any of the virtual host */
	char url[CONF_STRING], stream[CONF_STRING], when[CONF_STRING];
	char keyfile[CONF_STRING];
	uint32_t vhost, line; /* in the Application.xml */
	uint32_t lag_ms;
};

struct conf_vhost {
#define PARAM(member, type, file, path, def, min, max, text)                   \
	CONF_IF_##file(CONF_NO_FIELD, CONF_FIELD, CONF_NO_FIELD)(member, type)
#include "common/conf_params.def"
#undef PARAM
	char name[CONF_NAME];
	uint32_t first_app, napps; /* the general one, those with a name */
	uint32_t listed;	   /* AppsDir is set: others do not exist */
	uint32_t first_route, nroutes, routes_hashed; /* RouteTable */
	struct seat_range seats;		      /* of max_connections */
};

struct conf {
	uint64_t magic; /* conf_magic() */
	uint64_t bytes; /* of this and the tables behind it */
#define PARAM(member, type, file, path, def, min, max, text)                   \
	CONF_IF_##file(CONF_FIELD, CONF_NO_FIELD, CONF_NO_FIELD)(member, type)
#include "common/conf_params.def"
#undef PARAM
	struct conf_listen listen[CONF_LISTEN_MAX];
	uint32_t nlisten;
	struct seat_range seats[SEAT_KINDS];
	uint32_t nvhosts, napps, naliases, nroutes, nallow, ndeny, ntargets;
	/* bytes from the beginning; allow lies before deny */
	uint64_t vhosts_at, apps_at, aliases_at, routes_at, nets_at, targets_at;
};

/* What conf_pack() puts together: arrays of its caller. */
struct conf_parts {
	struct conf head; /* with the counts; places and bytes are set there */
	struct conf_vhost *vhost; /* counts and first of ... set there too */
	struct conf_app *app;
	struct conf_alias *alias;
	struct conf_route *route;
	struct addr_net *allow, *deny;
	struct conf_target *target;
};

/* A row of conf_params.def. */
struct conf_param {
	const char *member, *path, *def, *min, *max, *text;
	enum conf_type type;
	enum conf_file file;
	uint32_t offset; /* in the struct of its file */
};

extern const struct conf_param conf_params[];
extern const unsigned conf_params_count;

/* Changes with the size and the layout of the structs. */
uint64_t conf_magic(void);

/*
 * Every parameter of a file at its default.
 * of		struct conf, struct conf_vhost or struct conf_app
 */
void conf_defaults(void *of, enum conf_file file);

/*
 * Put the parts together; the result is the caller's, to be given to free().
 * Each virtual host has a general application.  The arrays of applications and
 * routes are sorted here.
 * Returns	NULL: no memory
 */
struct conf *conf_pack(struct conf_parts *parts);

/* All defaults: one virtual host, no listener.  NULL: no memory. */
struct conf *conf_new(void);

struct conf_vhost *conf_vhost(const struct conf *c, uint32_t i);
struct conf_app *conf_app(const struct conf *c, uint32_t i);

const struct conf_alias *conf_alias(const struct conf *c, uint32_t i);
const struct conf_route *conf_route(const struct conf *c, uint32_t i);
const struct addr_net *conf_net(const struct conf *c, uint32_t i);
const struct conf_target *conf_target_at(const struct conf *c, uint32_t i);

/* The virtual host of that name, or alias, in any case; NULL: none. */
const struct conf_vhost *conf_find_vhost(
    const struct conf *c, struct span name);

/* The URL that an application has for that callback, "" for none. */
const char *conf_hook(const struct conf_app *a, enum hook_event e);

/* Has it a callback for anything? */
bool conf_has_hooks(const struct conf_app *a);

/*
 * The name of an application as it is configured: of one at another server,
 * "?rtmp://host:port/app" (rtmp/explicit.h), app.
 */
struct span conf_app_name(struct span app);

/*
 * The application of that name: its own settings, or the general ones; NULL:
 * it does not exist.
 */
const struct conf_app *conf_find_app(
    const struct conf *c, const struct conf_vhost *v, struct span name);

/* Do Allow, Deny and Order let a client of that address in? */
bool conf_admits(const struct conf *c, const struct addr *a);

/*
 * The application of a stream key (vhost NUL app NUL ...); of a key that names
 * none the general one of its virtual host, or of _defaultVHost_.
 */
const struct conf_app *conf_key_app(
    const struct conf *c, const char *key, size_t len);

/*
 * Set parameter p in `of` (as of conf_defaults) from text as it stands in a
 * file: blanks trimmed, empty text and "-1" mean the default.
 * Returns 0, or -1 with what was expected in err ("a number from 1 to 64").
 */
int conf_set(void *of, const struct conf_param *p, const char *text, char *err,
    unsigned errlen);

/* Text of parameter p as it could stand in a file (for sluice -t). */
void conf_print(
    const void *of, const struct conf_param *p, char *buf, unsigned len);

/* Name of a file ("Server.xml"), of a level ("info"). */
const char *conf_file_name(enum conf_file f);
const char *log_level_name(enum log_level l);

#endif
