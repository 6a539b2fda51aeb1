/*
 * driver - feed a fuzzer's entry point from files, without libFuzzer:
 * fuzz_NAME FILE... [-w FILE...]  Each file is given in every prefix, and
 * whole with every byte damaged in four ways; those behind -w only whole.  A fault is a crash of the program; build with
 * --enable-sanitize=address,undefined to see reads past the end.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One input, alone in memory that ends where it ends. */
static void
feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void
feed_damaged(uint8_t *data, size_t size)
{
	static const uint8_t masks[] = { 0x01, 0x04, 0x80, 0xff };
	for (size_t i = 0; i < size; i++) {
		for (size_t k = 0; k < sizeof(masks); k++) {
			data[i] ^= masks[k];
			feed(data, size);
			data[i] ^= masks[k];
		}
	}
}

static void
feed_file(const char *path, bool whole)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	size_t size = fread(data, 1, sizeof(data), f);
	fclose(f);
	if (whole) {
		/* its name is known when it ends the process */
		printf("%s\n", path);
		fflush(stdout);
		feed(data, size);
		return;
	}
	for (size_t n = 0; n <= size; n++)
		feed(data, n);
	feed_damaged(data, size);
	printf(
	    "%s: %zu prefixes, %zu damaged copies\n", path, size + 1, size * 4);
}

int
main(int argc, char **argv)
{
	bool whole = false;
	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE... [-w FILE...]\n", argv[0]);
		return 64;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-w") == 0)
			whole = true;
		else
			feed_file(argv[i], whole);
	}
	return 0;
}
