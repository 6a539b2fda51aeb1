#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/flvfile.h"
#include "common/cursor.h"
#include "rtmp/flvtag.h"
#include "rtmp/wire.h"

/* One kind of media while the file is indexed. */
struct track {
	uint32_t last, step;
	uint32_t headers;
	bool seen;
};

static int
map_file(struct flvfile *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct stat st;
	int err = fstat(fd, &st) < 0 ? -errno : 0;
	if (err == 0 && st.st_size == 0)
		err = -EBADMSG;
	if (err == 0) {
		f->size = (size_t)st.st_size;
		void *p = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			err = -errno;
		else
			f->map = p;
	}
	close(fd);
	return err;
}

static int
add(struct flvfile *f, const struct flvfile_tag *t)
{
	if ((f->count & (f->count - 1)) == 0) { /* full at powers of two */
		size_t cap = f->count == 0 ? 1 : (size_t)f->count * 2;
		struct flvfile_tag *bigger =
		    reallocarray(f->tags, cap, sizeof(*bigger));
		if (bigger == NULL)
			return -ENOMEM;
		f->tags = bigger;
	}
	f->tags[f->count++] = *t;
	if (t->len > f->len_max)
		f->len_max = t->len;
	return 0;
}

static void
follow(struct track *t, uint32_t ms)
{
	if (t->seen && ms > t->last)
		t->step = ms - t->last;
	t->last = ms;
	t->seen = true;
}

static unsigned
class_of(const struct flvfile *f, const struct flvfile_tag *t)
{
	const uint8_t *body = f->map + t->at;
	if (t->type == WIRE_DATA)
		return 0;
	return t->type == WIRE_VIDEO ? flv_video_class(body, t->len)
				     : flv_audio_class(body, t->len);
}

/* One more tag, unless it ends the sequence, which goes on here. */
static int
index_tag(struct flvfile *f, struct flvfile_tag *t, struct track track[2])
{
	unsigned class = class_of(f, t);
	t->once = t->type == WIRE_DATA || (class & FLV_SEQUENCE_HEADER) != 0;
	if (t->type != WIRE_DATA) {
		follow(&track[t->type == WIRE_VIDEO], t->ms);
		track[t->type == WIRE_VIDEO].headers += t->once;
	}
	return (class & FLV_END_OF_SEQUENCE) != 0 ? 0 : add(f, t);
}

/*
 * A header that changes has to come again with each round.  Returns false if
 * nothing is left for the second round.
 */
static bool
repeat_headers(struct flvfile *f, const struct track track[2])
{
	bool any = false;
	for (uint32_t i = 0; i < f->count; i++) {
		struct flvfile_tag *t = &f->tags[i];
		if (t->type != WIRE_DATA &&
		    track[t->type == WIRE_VIDEO].headers > 1)
			t->once = false;
		any = any || !t->once;
	}
	return any;
}

/* Annex E.4.1; what is cut at the end of the file is left out. */
static int
index_tags(struct flvfile *f, struct reader *r, struct track track[2])
{
	bool begun = false;
	uint32_t first = 0;
	while (reader_left(r) >= 11) {
		unsigned type = reader_u8(r) & 0x1f;
		struct flvfile_tag t = { .len = reader_u24(r),
			.type = (uint8_t)type };
		uint32_t low = reader_u24(r);
		uint32_t ts = (uint32_t)reader_u8(r) << 24 | low;
		reader_u24(r);
		t.at = (size_t)(r->p - f->map);
		if (reader_left(r) < t.len)
			break;
		reader_bytes(r, t.len);
		if (reader_left(r) >= 4)
			reader_u32(r);
		bool media = type == WIRE_AUDIO || type == WIRE_VIDEO;
		if (!media && type != WIRE_DATA)
			return -EBADMSG;
		if (media && !begun)
			first = ts;
		begun = begun || media;
		t.ms = begun && ts > first ? ts - first : 0;
		int err = index_tag(f, &t, track);
		if (err < 0)
			return err;
	}
	return begun ? 0 : -ENODATA;
}

int
flvfile_open(struct flvfile *f, const char *path)
{
	memset(f, 0, sizeof(*f));
	int err = map_file(f, path);
	if (err < 0)
		return err;
	struct reader r;
	struct track track[2] = { 0 };
	reader_init(&r, f->map, f->size);
	const uint8_t *magic = reader_bytes(&r, 4);
	reader_u8(&r);
	uint32_t header = reader_u32(&r);
	if (!reader_ok(&r) || memcmp(magic, "FLV\1", 4) != 0 || header < 9 ||
	    reader_bytes(&r, header - 9) == NULL)
		err = -EBADMSG;
	reader_u32(&r);
	if (err == 0)
		err = index_tags(f, &r, track);
	for (int i = 0; err == 0 && i < 2; i++)
		if (track[i].seen &&
		    f->round_ms < (uint64_t)track[i].last + track[i].step)
			f->round_ms = (uint64_t)track[i].last + track[i].step;
	if (err == 0 && (f->round_ms == 0 || !repeat_headers(f, track)))
		err = -ENODATA;
	if (err < 0)
		flvfile_close(f);
	return err;
}

void
flvfile_close(struct flvfile *f)
{
	if (f->map != NULL)
		munmap((void *)(uintptr_t)f->map, f->size);
	free(f->tags);
	memset(f, 0, sizeof(*f));
}

uint64_t
flvfile_ms(const struct flvfile *f, const struct flvfile_at *at)
{
	return at->round * f->round_ms + f->tags[at->tag].ms;
}

void
flvfile_next(const struct flvfile *f, struct flvfile_at *at)
{
	do {
		if (++at->tag == f->count) {
			at->tag = 0;
			at->round++;
		}
	} while (at->round > 0 && f->tags[at->tag].once);
}
