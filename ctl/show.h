/* show - what ctl/show.c does for other verbs than its own. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "ctl/verb.h"

/* Edges below this server. */
verb_fn show_edges;

#endif
