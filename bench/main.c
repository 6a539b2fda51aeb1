/*
 * sluice-bench - publishes to, and plays from, any RTMP server, and checks
 * what comes through.  One process, one thread, one epoll instance.
 *
 *	options -> publish | play -> client -> session	-> rtmp/
 *			     |
 *			     +----> verify, frame, hist, report
 */
#include "config.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/churn.h"
#include "bench/compare.h"
#include "bench/exit.h"
#include "bench/floor.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "bench/play.h"
#include "bench/publish.h"

/* Sockets are what this program is about: as many as the system allows. */
static void
raise_files(const struct options *o)
{
	struct rlimit lim;
	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_max < (rlim_t)o->count + 16)
		fprintf(stderr,
		    "sluice-bench: only %llu open files are allowed for %u "
		    "connections: raise the hard limit (ulimit -Hn)\n",
		    (unsigned long long)lim.rlim_max, o->count);
}

static bool
resolve(struct client_net *net, const struct options_target *target)
{
	char host[256];
	char port[8];
	const struct span *h = &target->url.host;
	if (h->len >= sizeof(host)) {
		fputs("sluice-bench: the host name is too long\n", stderr);
		return false;
	}
	memcpy(host, h->p, h->len);
	host[h->len] = '\0';
	snprintf(port, sizeof(port), "%u", target->url.port);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int err = getaddrinfo(host, port, &hints, &found);
	if (err != 0) {
		fprintf(stderr, "sluice-bench: host '%s': %s\n", host,
		    gai_strerror(err));
		return false;
	}
	net->app = target->url.app;
	net->tc_url = target->url.tc_url;
	memcpy(&net->addr, found->ai_addr, found->ai_addrlen);
	net->addr_len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

/* Modes that need one process. */
static int
run_here(struct client_net *net, const struct options *o)
{
	int err = client_net_init(net);
	if (err < 0) {
		fprintf(stderr, "sluice-bench: %s\n", strerror(-err));
		return EXIT_UNREACHABLE;
	}
	int status =
	    o->mode == MODE_PUBLISH ? publish_run(net, o) : play_run(net, o);
	client_net_fini(net);
	return status;
}

static int
run(struct client_net *nets, const struct options *o)
{
	switch (o->mode) {
	case MODE_PLAY:
		if (o->parts > 1 || o->pids[0].count > 0 || o->slow > 0)
			return measure_run(nets, o);
		return run_here(nets, o);
	case MODE_PUBLISH:
		return run_here(nets, o);
	case MODE_CHURN:
		return churn_run(nets, o);
	case MODE_STORM:
	case MODE_HOPS:
		return measure_run(nets, o);
	case MODE_FLOOR:
		return floor_run(nets, o);
	case MODE_COMPARE:
		return compare_run(nets, o);
	}
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct client_net nets[OPTIONS_TARGETS] = { 0 };
	switch (options_parse(&o, argc, argv)) {
	case OPTIONS_DONE:
		return EXIT_OK;
	case OPTIONS_USAGE:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	raise_files(&o);
	for (uint32_t i = 0; i < o.targets; i++) {
		nets[i].publish = o.mode == MODE_PUBLISH;
		nets[i].chunk = o.chunk;
		if (!resolve(&nets[i], &o.target[i]))
			return EXIT_UNREACHABLE;
	}
	return run(nets, &o);
}
