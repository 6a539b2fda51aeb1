/*
 * conf_reader - what the files share that read a configuration tree.  Nobody
 * else includes this; see conf_xml.h.
 *
 *	conf_tree.c	directories: which files there are
 *	conf_apps.c	those of applications
 *	conf_table.c	complaints; tables of what was read
 *	conf_file.c	one file's bytes; sluice.ini
 *	conf_parse.c	bytes to XML
 *	conf_xml.c	XML to parameters and elements
 *	conf_element.c	elements that are no parameters: lists
 *	conf_routes.c	the route table
 *	conf_targets.c	Republish/Target
 *	conf_names.c	names that we know, names like them
 *	conf_vars.c	${NAME}
 *
 * Context: main, at start.
 */
#ifndef MASTER_CONF_READER_H
#define MASTER_CONF_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/conf.h"
#include "master/conf_vars.h"
#include "master/conf_xml.h"

enum { CONF_PATH = 512, CONF_TEXT = 2048, CONF_ATTR = 256 };

struct conf_reader {
	struct conf_report *report;
	struct conf_parts parts;
	struct conf_vars vars;
	const char *dir;  /* the configuration's directory */
	const char *file; /* being read */
	enum conf_file kind;
	uint32_t vhost, app; /* that are being set */
	bool one_file;	     /* not a tree */
	/* in one file: _defaultVHost_, the general application of a vhost */
	bool default_begun, general_begun;
	bool own_app;	 /* the file of one application in its directory */
	bool doctype;	 /* one was met: parsing was stopped */
	int syntax_line; /* of the first fault of XML; 0: none */
	char syntax[256];
	int seen[CONF_PARAMS_MAX];    /* in this file: its line, or 0 */
	bool locked[CONF_PARAMS_MAX]; /* override="no" in the vhost's file */
	int apps_line[CONF_VHOSTS_MAX];
	/* of the RouteTable that is being read */
	enum route_protocol protocol;
};

/* An element with all ${NAME} replaced; "" for an attribute it has not. */
struct conf_element {
	int line;
	const char *path;
	char text[CONF_TEXT];
	char name[CONF_ATTR], protocol[CONF_ATTR], select[CONF_ATTR],
	    enabled[CONF_ATTR];
	/* of Republish/Target; when: if */
	char url[CONF_ATTR], stream[CONF_ATTR], when[CONF_ATTR],
	    keyfile[CONF_ATTR], buffer[CONF_ATTR];
};

/* conf_table.c ------------------------------------------------------------ */

/*
 * Something is wrong: to stderr, and the server does not start.  In the file of
 * one application only that application is refused.
 */
void conf_fault(struct conf_reader *r, int line, const char *element,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Kept for the log; a notice about an element is kept once. */
void conf_notice(struct conf_reader *r, enum log_level level, int line,
    const char *element, const char *text);

/* Index of the virtual host, made if need be; UINT32_MAX: too many. */
uint32_t conf_vhost_named(struct conf_reader *r, const char *name);
/* Of its application, "" the general one, which a new one begins as. */
uint32_t conf_app_named(
    struct conf_reader *r, uint32_t vhost, const char *name);

/* Room for one element more: p + n * size, zero; NULL at max. */
void *conf_grow(void *array, uint32_t *n, size_t size, uint32_t max);

/* A name for a host or an application: printable, no slash, short enough. */
bool conf_name_ok(const char *name);

/* conf_tree.c ------------------------------------------------------------- */

/* Path of a file of the virtual host. */
void conf_vhost_path(const struct conf_reader *r, uint32_t vhost,
    const char *file, char path[CONF_PATH]);

typedef void conf_dir_fn(
    struct conf_reader *r, const char *path, const char *name);

/* Call fn for each directory in path, by name.  Returns 0 or -errno. */
int conf_each_dir(struct conf_reader *r, const char *path, conf_dir_fn *fn);

/* Is there dir/file?  path is set to it. */
bool conf_has_file(const char *dir, const char *file, char path[CONF_PATH]);

/* conf_apps.c ------------------------------------------------------------- */

/* Applications of r->vhost; file is where AppsDir stands. */
void conf_read_apps(struct conf_reader *r, const char *file);

/* conf_file.c ------------------------------------------------------------- */

/*
 * Read r->file; *bytes is the caller's and ends with a NUL.
 * Returns its length, -ENOENT, or another -errno (reported).
 */
ssize_t conf_slurp(struct conf_reader *r, char **bytes);

/* NAME = value of dir/name, if there is one. */
void conf_read_ini(struct conf_reader *r, const char *dir, const char *name);

/* The fault that r->file is a configuration of another server. */
void conf_foreign(struct conf_reader *r, int line, const char *server);

/* Is that text of another server's configuration?  Then it is a fault. */
bool conf_is_foreign(struct conf_reader *r, const char *bytes);

/* conf_parse.c ------------------------------------------------------------ */

/* Read a file that may be missing; all: every root inside <Sluice>. */
void conf_read_xml(struct conf_reader *r, const char *path, bool all);

/* Behind the last file. */
void conf_xml_end(void);

/* conf_xml.c -------------------------------------------------------------- */

struct _xmlNode;

/* Take a file; all as of conf_read_xml(). */
void conf_read_root(
    struct conf_reader *r, const struct _xmlNode *root, bool all);

/* conf_element.c ---------------------------------------------------------- */

/* Element i: its path, and in which file; NULL behind the last. */
const char *conf_element_path(unsigned i, enum conf_file *kind);

/* Index of the one at path in a file of that kind, or -1. */
int conf_element_find(enum conf_file kind, const char *path);

/* Does it hold other elements? */
bool conf_element_is_container(unsigned i);

/* Are ${stream} and so on replaced later in its attributes? */
bool conf_element_is_later(unsigned i);

/* Take it. */
void conf_element_take(
    struct conf_reader *r, unsigned i, const struct conf_element *e);

/* What can only be judged when all was read. */
void conf_element_check(struct conf_reader *r);

/* Without blanks around it. */
struct span conf_trimmed(const char *text);
/* In any case. */
bool conf_is_word(struct span s, const char *word);

/* A warning about what stands in a Vhost.xml that was closed long ago. */
void conf_late_notice(struct conf_reader *r, uint32_t vhost, uint32_t line,
    const char *element, const char *text);

/* conf_routes.c ----------------------------------------------------------- */

void conf_route_table(struct conf_reader *r, const struct conf_element *e);
void conf_route_entry(struct conf_reader *r, const struct conf_element *e);

/* When all virtual hosts were read: entries that nobody can ask for. */
void conf_check_routes(struct conf_reader *r);

/* conf_targets.c ---------------------------------------------------------- */

void conf_target(struct conf_reader *r, const struct conf_element *e);

/* conf_names.c ------------------------------------------------------------ */

/* Path i in a file of that kind, "" if it is of another; NULL: no more. */
const char *conf_our_path(enum conf_file kind, unsigned i);

/* Complain about an element that is not ours. */
void conf_unknown(
    struct conf_reader *r, int line, const char *path, const char *name);

#endif
