#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/child.h"

void *
child_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

void
child_forget(void *memory, size_t size)
{
	if (memory != NULL)
		munmap(memory, size);
}

int
child_start(struct child *c, void (*run)(void *), void *arg)
{
	pid_t parent = getpid();
	fflush(stdout);
	fflush(stderr);
	c->pid = fork();
	if (c->pid < 0) {
		int err = errno;
		c->pid = 0;
		return -err;
	}
	if (c->pid > 0)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		run(arg);
	_exit(0);
}

int
child_end(struct child *c)
{
	if (c->pid <= 0)
		return 0;
	kill(c->pid, SIGTERM);
	int status = 0;
	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	c->pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}
