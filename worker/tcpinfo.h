/* tcpinfo - what the kernel knows of one connection (struct tcp_info). */
#ifndef WORKER_TCPINFO_H
#define WORKER_TCPINFO_H

#include <stdint.h>

struct tcp_sample {
	uint64_t busy_us, rwnd_us; /* since the connection began */
	uint32_t retrans;	   /* the same, segments */
	uint32_t rtt_us, min_rtt_us;
	uint32_t snd_wnd, notsent; /* bytes */
	uint32_t unacked;	   /* segments */
};

/* Returns 0 or -errno: -ENOSYS when the kernel tells less than is needed. */
int tcpinfo_read(int fd, struct tcp_sample *t);

#endif
