#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bug.h"
#include "common/ipc.h"

union fd_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
};

int
ipc_send(int fd, const struct ipc_msg *m, const int *fds, unsigned nfds)
{
	struct ipc_msg copy = *m;
	copy.size = sizeof copy;
	struct iovec iov = { &copy, sizeof copy };
	union fd_space space;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	bug_on(nfds > IPC_FDS_MAX);
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
		n = sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

/* Take the descriptors out of mh; keep them in fds or close them. */
static unsigned
take_fds(struct msghdr *mh, int *fds)
{
	unsigned total = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (fds && total < IPC_FDS_MAX)
				fds[total++] = fd;
			else
				close(fd);
		}
	}
	return total;
}

int
ipc_recv(int fd, struct ipc_msg *m, int *fds, unsigned *nfds)
{
	struct iovec iov = { m, sizeof *m };
	union fd_space space;
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof space.bytes };
	ssize_t n;
	do
		n = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (n == 0)
		return 0;
	unsigned got = take_fds(&mh, fds);
	if (nfds)
		*nfds = got;
	if (n != sizeof *m || m->size != sizeof *m || m->kind == 0 ||
	    m->kind >= IPC_KIND_COUNT ||
	    (m->kind == IPC_PUBLISH && m->u.publish.keylen > IPC_KEY_MAX))
		return -EPROTO;
	return 1;
}
