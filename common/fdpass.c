#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/fdpass.h"

union fd_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
};

int
fd_send(int sock, const void *data, size_t len, const int *fds, unsigned nfds)
{
	char *bytes = (char *)(uintptr_t)data; /* sendmsg() only reads it */
	struct iovec iov = { bytes, len };
	union fd_space space;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	bug_on(nfds > FDPASS_MAX);
	if (nfds > 0) {
		memset(&space, 0, sizeof space);
		mh.msg_control = space.bytes;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	ssize_t n;
	do
		n = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

/* Take the descriptors out of mh: keep at most max, close the rest. */
static unsigned
take_fds(struct msghdr *mh, int *fds, unsigned max)
{
	unsigned total = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (fds && total < max)
				fds[total++] = fd;
			else
				close(fd);
		}
	}
	return total;
}

ssize_t
fd_recv(int sock, void *buf, size_t cap, int *fds, unsigned max, unsigned *nfds)
{
	struct iovec iov = { buf, cap };
	union fd_space space;
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof space.bytes };
	ssize_t n;
	if (nfds)
		*nfds = 0;
	do
		n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	unsigned got = take_fds(&mh, fds, max);
	if (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (got > 0)
			close(fds[--got]);
		return -EMSGSIZE;
	}
	if (nfds)
		*nfds = got;
	else
		while (got > 0)
			close(fds[--got]);
	return n;
}
