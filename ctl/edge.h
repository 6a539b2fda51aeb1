/*
 * edge - what sluicectl shows of streams that come from other servers: the
 * master's rows (common/ctl_cmds.def, pulls), with what shared memory knows
 * newer or better.
 */
#ifndef CTL_EDGE_H
#define CTL_EDGE_H

#include <jansson.h>

/*
 * Add to the master's rows the viewers, the bytes and the delay of the streams
 * they have become, and sort them by vhost, app, instance, stream.
 *
 * rows		array, changed in place
 * streams	of stream_list()
 */
void edge_join(json_t *rows, const json_t *streams);

#endif
