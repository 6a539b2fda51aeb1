/*
 * scripts_own - what scripts.c (life cycle), scripts_proc.c (processes),
 * scripts_inst.c (instances), scripts_blame.c (what scripts die of), scripts_find.c
 * (files), scripts_push.c (connections, republishing) and scripts_client.c share.  Nobody else includes it.
 */
#ifndef MASTER_SCRIPTS_OWN_H
#define MASTER_SCRIPTS_OWN_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/conf.h"
#include "master/scripts.h"

#define SCRIPT_DEFAULT_INSTANCE "_definst_"

enum {
	INSTANCES_MAX = 500, /* of an application */
	/* kinds of epoll events: scripts_tag() */
	SCRIPT_PIDFD = 5,
	SCRIPT_SOCK = 6
};

struct master;

/* A stream that the process was told of, and has not dealt with yet. */
struct told {
	struct told *next;
	json_int_t n;
	size_t keylen;
	char key[];
};

/* The last error of a script, for people. */
struct script_fault {
	char file[SCRIPT_PATH], text[256];
	json_int_t line;
	uint64_t at_ns; /* 0: there was none */
	bool inside;	/* of what it is at, or was last */
};

TAILQ_HEAD(client_list, client);

/* A message that the process does not take yet. */
struct piece {
	struct piece *next;
	size_t len;
	char text[];
};

/*
 * used -> idle		without streams and clients
 * idle -> stops	after MaxAppIdleTime; onAppStop is called
 * stops -> used	it says no, or is used before it says anything
 */
struct instance {
	struct instance *next;
	uint32_t live;	  /* streams */
	uint32_t clients; /* that it knows */
	uint64_t idle_ns; /* since when; 0: used, stops, or was loaded unused */
	bool stops;
	bool up; /* its script has been loaded, or could not be */
	char name[];
};

struct script {
	struct script *next;
	char vhost[CONF_NAME], app[CONF_NAME], file[SCRIPT_PATH];
	uint64_t id; /* of this process, never used again */
	pid_t pid;   /* 0: none */
	int pidfd, sock;
	uint64_t start_ns, respawn_ns;
	unsigned faults;   /* in a row */
	unsigned restarts; /* after faults, ever */
	uint64_t limit_ms; /* of a call; 0: none */
	uint64_t idle_ms;  /* of an instance; 0: for ever */
	uint64_t asked_ns; /* it owes an answer to a ping; 0: it does not */
	uint64_t quit_ns;  /* it is told to end, and killed then; 0: not so */
	bool again;	   /* when it has ended another is wanted */
	bool killed;
	bool noisy; /* killed: it said more than a worker can hear */
	struct piece *first, **last;
	size_t waits; /* bytes */
	struct instance *insts;
	struct told *told, **last_told;
	json_int_t inside; /* n of the one it is at; 0: none */
	struct blame *blames;
	struct script_fault fault;
	struct client_list clients; /* in the order of their connects */
	unsigned nwaiting;	    /* of them, for the process */
	uint64_t heard_ns;	    /* the process said something */
	struct nc *ncs;		    /* connections that it has */
	struct push *pushes;	    /* and what it republishes */
	/* the same at other servers; what a dead process has left */
	struct remote_nc *rncs;
	struct remote_push *rpushes, *parked;
};

struct scripts {
	struct script *list;
	uint64_t next_id;
	json_int_t next_n;
	struct client_table *clients;
	bool loaded; /* what LoadOnStartup wants */
	bool stopping;
};

/* The data of an epoll event of that kind. */
uint64_t scripts_tag(const struct script *s, unsigned kind);

/* Start the process.  Returns 0 or -errno. */
int scripts_fork(struct master *m, struct script *s);

/* It will be dead soon: its pidfd tells. */
void scripts_kill(struct script *s);

/* It is dead (or waited for): free what it had, and how it ended. */
void scripts_reap(struct script *s, siginfo_t *info);

/* Send what waits. */
void scripts_flush(struct master *m, struct script *s);

/* Its parameters. */
const struct conf_app *scripts_conf(
    const struct master *m, const struct script *s);

/* The application of that name, which has a script; make: it has one, then. */
struct script *scripts_named(
    struct master *m, struct span vhost, struct span app, bool make);

/*
 * Its script: in AppsDir/APP, or without an AppsDir where its Application.xml
 * would be (conf_read_apps()).  False: there is none.
 */
bool scripts_find(const struct master *m, struct span vhost, struct span app,
    char path[SCRIPT_PATH]);

/* Start its process, and tell it all that is there. */
void scripts_run(struct master *m, struct script *s);

/* Live streams of the application, whether its script knows them or not. */
unsigned scripts_live(struct master *m, const struct script *s);

/*
 * End the process: onAppStop everywhere, 2 s for all.  again: another is wanted
 * then.
 */
void scripts_quit(struct master *m, struct script *s, bool again);
/* The same by hand: with a new process, which is told all, if there is need */
void scripts_restart(struct master *m, struct script *s);
/* and without one, until the next stream or client; cause: who, for the log. */
void scripts_unload(struct master *m, struct script *s, const char *cause);

/* The instance of that name, which is there from now on.  NULL: no room. */
struct instance *scripts_begin(
    struct master *m, struct script *s, struct span name);
void scripts_drop_instances(struct script *s);

/* One client less. */
void scripts_left(const struct script *s, const char *name);

/* The instance has got or lost a stream or a client. */
void scripts_used(struct instance *i);

/* A stream has begun, has ended. */
void scripts_publish(struct master *m, struct script *s, const char *key,
    size_t len, uint64_t client);
void scripts_unpublish(struct master *m, struct script *s, const char *key,
    size_t len, uint64_t client);

/* Stop instances that are idle too long.  Returns when again (ns). */
uint64_t scripts_idle(struct master *m, struct script *s, uint64_t now_ns);

/* Deal with started, failed, stopped and kept. */
void scripts_inst_message(
    struct master *m, struct script *s, const char *kind, const json_t *j);

/* Send a message (common/proto.h); j is taken. */
void scripts_tell(struct master *m, struct script *s, json_t *j);

/*
 * The same, for what clients can make many of.
 * Returns	0; -EMSGSIZE: longer than PROTO_MAX; -ENOBUFS: half of the queue is
 *		full; -ENOMEM
 */
int scripts_offer(struct master *m, struct script *s, json_t *j);

/* A new message with its kind and instance. */
json_t *scripts_message(const char *kind, const char *inst);

/* A string of a message; "" if it is none. */
const char *scripts_text(const json_t *j, const char *name);

/*
 * The process is told of that stream, in a message with the returned number;
 * 0: it is not to be told, it has died of it.
 */
json_int_t scripts_tells(
    struct master *m, struct script *s, const char *key, size_t keylen);

/* The stream has ended: was the process told of it? */
bool scripts_was_told(struct script *s, const char *key, size_t keylen);

/* Deal with enter, leave, fault and hung; false: it is none. */
bool scripts_blame_message(struct script *s, const char *kind, const json_t *j);

/*
 * The process is dead.  how: "hung", "was ended by SEGV", for people; NULL: it
 * is no fault of what it was told.
 */
void scripts_blame(struct master *m, struct script *s, const char *how);

/* Names that are refused, as far as they fit in so many bytes of JSON. */
json_t *scripts_refused(const struct script *s, uint64_t now, size_t bytes);

/* Forget whom it has blamed. */
void scripts_pardon(struct script *s);

/* Deal with a message about connections or republishing; false: it is none. */
bool scripts_push_message(
    struct master *m, struct script *s, const char *kind, const json_t *j);

/* State of a connection, for its script. */
void scripts_say_nc(struct master *m, struct script *s, const char *inst,
    json_int_t nc, const char *code, const char *text);

/* The answer to nc_call: a failure, with words. */
void scripts_say_failed(struct master *m, struct script *s, const char *inst,
    json_int_t nc, const json_t *call, const char *text);

/* buffer_ms of a message as a lag that a worker takes. */
uint32_t scripts_lag_ms(json_int_t ms);

/* scripts_remote.c: the same messages, of what goes to another server. */
void scripts_remote_open(
    struct master *m, struct script *s, const char *inst, const json_t *j);
/* False: it is not of here. */
bool scripts_remote_close(
    struct master *m, struct script *s, const char *inst, json_int_t nc);
bool scripts_remote_push(
    struct master *m, struct script *s, const char *inst, const json_t *j);
bool scripts_remote_call(
    struct master *m, struct script *s, const char *inst, const json_t *j);
bool scripts_remote_end(
    struct master *m, struct script *s, const char *inst, json_int_t ns);
void scripts_remote_buffer(struct master *m, struct script *s, const char *inst,
    json_int_t ns, json_int_t ms);
/* The process is dead; what it has published goes on. */
void scripts_remote_forget(struct master *m, struct script *s);
/* s goes. */
void scripts_remote_free(struct script *s);

/* The stream of that key has ended: tell the script that made it. */
void scripts_push_ended(
    struct master *m, struct script *s, const char *key, size_t keylen);

/* Deal with a message about clients; false: it is none. */
bool scripts_client_message(
    struct master *m, struct script *s, const char *kind, const json_t *j);

/* A new process: it is told of those that are there. */
void scripts_clients_replay(struct master *m, struct script *s);

/*
 * The process is dead, before scripts_blame().  how: as there; who waits for its
 * answer gets one, who was let in stays.
 */
void scripts_clients_lost(struct master *m, struct script *s, const char *how);

/* Limits of time.  Returns when to be called again (ns). */
uint64_t scripts_clients_tick(
    struct master *m, struct script *s, uint64_t now_ns);

/* Forget all of a script that is freed. */
void scripts_clients_free(struct script *s);

/* The process is dead; what it republished goes on until its stream ends. */
void scripts_push_forget(struct master *m, struct script *s);

#endif
