/*
 * pulls_ctl - pulls for operators: answers of the control socket
 * (common/ctl_cmds.def).  What shared memory says better (viewers, bytes) is
 * added by sluicectl.
 *
 * Context: the main thread.
 */
#ifndef MASTER_PULLS_CTL_H
#define MASTER_PULLS_CTL_H

#include <jansson.h>

struct master;

/*
 * {"after": place, 0 at first}: as many as fit into one packet.
 * {"ok": true, "pulls": [...], "next": place or null}
 */
json_t *pulls_ctl_list(struct master *m, const json_t *req);

/* {"ok": true, "pulls": how many there are} */
json_t *pulls_ctl_rebalance(struct master *m);

#endif
