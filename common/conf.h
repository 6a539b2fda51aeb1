/*
 * conf - the parsed configuration: plain data without pointers, written by
 * the master before any fork, read-only afterwards.  Workers get the very
 * bytes (struct conf) in a sealed memfd; both sides are of one build, which
 * conf_magic checks.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CONF_STRING = 256,   /* bytes of a text parameter, NUL included */
	CONF_LISTEN_MAX = 16 /* addresses in HostPortList */
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

enum conf_type {
	CONF_INT,
	CONF_SECONDS,
	CONF_MILLIS,
	CONF_SIZE,
	CONF_BOOL,
	CONF_LEVEL,
	CONF_MODE,
	CONF_SLOW,
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

#define CONF_FIELD_INT	   int64_t
#define CONF_FIELD_SECONDS int64_t
#define CONF_FIELD_MILLIS  int64_t
#define CONF_FIELD_SIZE	   int64_t
#define CONF_FIELD_BOOL	   int64_t
#define CONF_FIELD_LEVEL   int64_t
#define CONF_FIELD_MODE	   int64_t
#define CONF_FIELD_SLOW	   int64_t
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

enum seat_kind { SEAT_CONNECTION, SEAT_WAITING, SEAT_KINDS };

struct conf {
	uint64_t magic; /* conf_magic() */
#define PARAM(member, type, file, path, def, min, max, text)                   \
	CONF_FIELD_##type member;
#include "common/conf_params.def"
#undef PARAM
	struct conf_listen listen[CONF_LISTEN_MAX];
	uint32_t nlisten;
	struct seat_range seats[SEAT_KINDS];
};

/* A row of conf_params.def. */
struct conf_param {
	const char *member, *path, *def, *min, *max, *text;
	enum conf_type type;
	enum conf_file file;
	uint32_t offset; /* in struct conf */
};

extern const struct conf_param conf_params[];
extern const unsigned conf_params_count;

/* Changes with the size and the layout of struct conf. */
uint64_t conf_magic(void);

/* Every parameter at its default, no listener. */
void conf_defaults(struct conf *c);

/*
 * Set parameter p of c from text as it stands in a file: blanks trimmed,
 * empty text and "-1" mean the default.
 * Returns 0, or -1 with what was expected in err ("a number from 1 to 64").
 */
int conf_set(struct conf *c, const struct conf_param *p, const char *text,
    char *err, unsigned errlen);

/* Text of parameter p in c as it could stand in a file (for sluice -t). */
void conf_print(
    const struct conf *c, const struct conf_param *p, char *buf, unsigned len);

/* Name of a file ("Server.xml"), of a level ("info"). */
const char *conf_file_name(enum conf_file f);
const char *log_level_name(enum log_level l);

#endif
