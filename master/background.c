#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/background.h"

static void
copy_out(int fd)
{
	char buf[4096];
	ssize_t n;
	off_t at = 0;
	while ((n = pread(fd, buf, sizeof buf, at)) > 0) {
		if (write(STDERR_FILENO, buf, (size_t)n) != n)
			return;
		at += n;
	}
}

_Noreturn static void
parent(pid_t child, int ready, int errors)
{
	char byte;
	int status;
	ssize_t n;
	do
		n = read(ready, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) {
		copy_out(errors);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	copy_out(errors);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 70);
}

int
background_begin(void)
{
	int p[2];
	int errors = memfd_create("sluice-stderr", MFD_CLOEXEC);
	if (errors < 0 || fcntl(errors, F_SETFL, O_APPEND) < 0 ||
	    pipe2(p, O_CLOEXEC) != 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(p[1]);
		parent(pid, p[0], errors);
	}
	close(p[0]);
	(void)setsid();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(errors, STDERR_FILENO);
	close(null);
	close(errors);
	return p[1];
}

void
background_ready(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		(void)dup2(null, STDERR_FILENO);
		close(null);
	}
	ssize_t r = write(fd, "", 1);
	(void)r;
	close(fd);
}

void
background_stdio(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}
