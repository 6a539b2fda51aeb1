#include "config.h"

#include <errno.h>
#include <linux/tcp.h> /* the C library's struct tcp_info is older */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "worker/tcpinfo.h"

int
tcpinfo_read(int fd, struct tcp_sample *t)
{
	struct tcp_info i;
	socklen_t len = sizeof i;
	memset(&i, 0, sizeof i);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) != 0)
		return -errno;
	if (len <
	    offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof i.tcpi_snd_wnd)
		return -ENOSYS;
	*t = (struct tcp_sample){ .busy_us = i.tcpi_busy_time,
		.rwnd_us = i.tcpi_rwnd_limited,
		.retrans = i.tcpi_total_retrans,
		.rtt_us = i.tcpi_rtt,
		.min_rtt_us = i.tcpi_min_rtt,
		.snd_wnd = i.tcpi_snd_wnd,
		.notsent = i.tcpi_notsent_bytes,
		.unacked = i.tcpi_unacked };
	return 0;
}
