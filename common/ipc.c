#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/fdpass.h"
#include "common/ipc.h"

_Static_assert((int)IPC_FDS_MAX == (int)FDPASS_MAX, "the same limit");

int
ipc_send(int fd, const struct ipc_msg *m, const int *fds, unsigned nfds)
{
	struct ipc_msg copy = *m;
	copy.size = sizeof copy;
	int r = fd_send(fd, &copy, sizeof copy, fds, nfds);
	ipc_wipe(&copy);
	return r;
}

void
ipc_wipe(struct ipc_msg *m)
{
	if (ipc_shows_keys(m))
		explicit_bzero(m->u.publish.query, sizeof m->u.publish.query);
}

int
ipc_recv(int fd, struct ipc_msg *m, int *fds, unsigned *nfds)
{
	ssize_t n = fd_recv(fd, m, sizeof *m, fds, fds ? IPC_FDS_MAX : 0, nfds);
	if (n == -EMSGSIZE)
		return -EPROTO;
	if (n <= 0)
		return (int)n;
	if (n != sizeof *m || m->size != sizeof *m || m->kind == 0 ||
	    m->kind >= IPC_KIND_COUNT ||
	    (ipc_shows_keys(m) && (m->u.publish.keylen > IPC_KEY_MAX ||
				      m->u.publish.querylen > IPC_QUERY_MAX)))
		return -EPROTO;
	return 1;
}
