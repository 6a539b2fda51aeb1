#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/rundir.h"

static int
make_dirs(const char *run)
{
	char path[512];
	snprintf(path, sizeof path, "%s", run);
	for (char *s = path + 1; *s; s++)
		if (*s == '/') {
			*s = '\0';
			(void)mkdir(path, 0755);
			*s = '/';
		}
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	return -errno;
}

static bool
same_file(int fd, const char *path)
{
	struct stat a, b;
	return fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static void
say_held(int fd, const char *run, char *err, size_t errlen)
{
	char pid[32] = "";
	ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
	pid[n > 0 ? n : 0] = '\0';
	long held = strtol(pid, NULL, 10);
	snprintf(err, errlen,
	    "%s is in use by sluice (pid %ld): stop it or give another run "
	    "directory with -r",
	    run, held);
}

int
rundir_take(const char *run, char *err, size_t errlen)
{
	char path[560], pid[32];
	int r = make_dirs(run), fd;
	if (r != 0) {
		snprintf(err, errlen,
		    "cannot make the run directory %s: %s (give another with "
		    "-r)",
		    run, strerror(-r));
		return -1;
	}
	snprintf(path, sizeof path, "%s/sluice.pid", run);
	for (;;) {
		fd =
		    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd < 0) {
			snprintf(err, errlen,
			    "%s: %s (give another run directory with -r, or "
			    "make this one writable for user %u)",
			    path, strerror(errno), (unsigned)geteuid());
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			say_held(fd, run, err, errlen);
			close(fd);
			return -1;
		}
		if (same_file(fd, path))
			break;
		close(fd); /* removed by the one before us: again */
	}
	int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) == n)
		return fd;
	snprintf(err, errlen, "%s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

void
rundir_release(const char *run, int fd)
{
	char path[560];
	snprintf(path, sizeof path, "%s/sluice.pid", run);
	if (same_file(fd, path))
		(void)unlink(path);
	close(fd);
}
