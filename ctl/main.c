/*
 * sluicectl - the operator's view of a running server, and hands.
 *
 * Exit status: 0 done, 1 refused, 2 usage, 3 no master.
 */
#include "config.h"

#include "ctl/verb.h"

int
main(int argc, char **argv)
{
	struct ctl c = { .run = SLUICE_RUN_DIR };
	enum ctl_exit rc = verb_parse(&c, argc, argv);
	if (rc != CTL_DONE || c.verb == NULL)
		return (int)rc;
	return (int)c.verb->run(&c);
}
