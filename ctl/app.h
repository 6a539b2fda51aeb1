/*
 * app - what the master says of the scripts of applications.
 */
#ifndef CTL_APP_H
#define CTL_APP_H

#include <jansson.h>

#include "ctl/attach.h"

/*
 * Add its rows (common/ctl_cmds.def, apps) to an array.
 * Returns as attach_ask(); rows may have some then.
 */
enum ctl_exit app_rows(const char *run, json_t *rows, char *err, size_t errlen);

#endif
