#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/floorring.h"

static int
map_twice(struct floorring *r, int fd)
{
	uint8_t *p = mmap(NULL, r->size * 2, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->base = p;
	for (int i = 0; i < 2; i++)
		if (mmap(p + (size_t)i * r->size, r->size,
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			0) == MAP_FAILED)
			return -errno;
	return 0;
}

int
floorring_open(struct floorring *r, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->size = 65536;
	while (r->size < size)
		r->size *= 2;
	int fd = memfd_create("floor", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = ftruncate(fd, (off_t)r->size) < 0 ? -errno : 0;
	if (err == 0)
		err = map_twice(r, fd);
	close(fd);
	return err;
}

void
floorring_close(struct floorring *r)
{
	if (r->base != NULL)
		munmap(r->base, r->size * 2);
	memset(r, 0, sizeof(*r));
}
