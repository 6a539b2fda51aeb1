/*
 * conf_xml - a configuration tree to struct conf.  Driven by conf_params.def:
 * a row says in which file and below which elements a parameter stands.
 *
 *	DIR/Server.xml				<Root><Server> or <Server>
 *	DIR/sluice.ini (or ams.ini, fms.ini)	NAME = value for ${NAME}
 *	DIR/_defaultRoot_/Adaptor.xml		<Adaptor>
 *	DIR/_defaultRoot_/VHOST/Vhost.xml	<VirtualHost>
 *	DIR/_defaultRoot_/VHOST/Application.xml	<Application>, all of the vhost
 *	APPSDIR/APP/Application.xml		<Application>, that one
 *
 * VHOST is _defaultVHost_ or a host name.  APPSDIR without the element AppsDir
 * is applications beside Vhost.xml; for _defaultVHost_ also in DIR.
 *
 * Instead of a directory one file may be given, in the form in which
 * conf_dump() prints a configuration: all roots inside <Sluice>, behind each
 * VirtualHost its Applications.
 *
 * Every file and every element may be missing.  External entities, document
 * types and the network are never used.
 *
 * Called by main, at start, before any fork.
 */
#ifndef MASTER_CONF_XML_H
#define MASTER_CONF_XML_H

#include <stdbool.h>
#include <stdio.h>

#include "common/conf.h"

enum {
	CONF_FILE_MAX = 1 << 20, /* bytes of one file */
	CONF_NOTICES_MAX = 128,
	CONF_PARAMS_MAX = 128
};

/* Something that is read without a meaning here, or doubtful. */
struct conf_notice {
	enum log_level level; /* error: an application is refused */
	enum conf_file kind;
	int line;
	char file[256], element[128], text[128];
};

struct conf_report {
	unsigned faults;     /* each was written to stderr */
	unsigned app_faults; /* of one application: among the notices */
	unsigned nnotices;   /* those kept; more were left out */
	unsigned left_out;
	struct conf_notice notice[CONF_NOTICES_MAX];
	/* where parameter i of conf_params stands; line 0: at its default */
	int line[CONF_PARAMS_MAX];
	char file[4]
		 [256]; /* the files by enum conf_file, as read or expected */
};

/*
 * Read the tree (or the file) at path; *c is the caller's, to be given to free(),
 * also when there are faults.
 *
 * must_exist	path was given by the user: that it is missing is a fault
 * Returns	0, or -1: faults were written to stderr as
 *		"file:line: element: what was expected"
 */
int conf_load(
    const char *path, bool must_exist, struct conf **c, struct conf_report *r);

/* Print c in the canonical form, which conf_load() reads again. */
void conf_dump(const struct conf *c, FILE *out);

#endif
