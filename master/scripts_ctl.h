/*
 * scripts_ctl - what operators see of the scripts of applications, and do to
 * them: requests and answers of the control socket (common/ctl_cmds.def).
 * Context: the main thread.
 */
#ifndef MASTER_SCRIPTS_CTL_H
#define MASTER_SCRIPTS_CTL_H

#include <jansson.h>

struct master;

/* {"after": place or none} -> {"apps": [...], "next": place or null} */
json_t *scripts_ctl_list(struct master *m, const json_t *req);

/*
 * {"app", "vhost": or none, if only one has such an application}
 * -> {"app": {...}}
 */
json_t *scripts_ctl_show(struct master *m, const json_t *req);

/*
 * The same request -> {"app": {...}} as it was before; what becomes of it is
 * seen by `app_show` later.
 */
json_t *scripts_ctl_reload(struct master *m, const json_t *req);
json_t *scripts_ctl_unload(struct master *m, const json_t *req);

#endif
