/*
 * text - values as people read them in sluicectl's tables.  Pure functions:
 * no I/O, no allocation; what does not fit is cut at a character.
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_CELL = 1024 }; /* bytes of any text made here, NUL included */

/*
 * len bytes of untrusted text, safe for a terminal.  Control characters,
 * backslashes, bytes that are not UTF-8 and characters that change the
 * direction or the lines of other text become \n, \x1b, \\, \u{202e}.
 * Returns the bytes written, without the NUL.
 */
size_t text_safe(char *buf, size_t cap, const char *s, size_t len);

/* Characters in a UTF-8 text: columns, for the scripts that we print. */
size_t text_width(const char *s);

/* "512 B", "1.5 KiB", "12 MiB": three digits at least, powers of 1024. */
void text_bytes(char *buf, size_t cap, uint64_t bytes);

/* "0 bit/s", "2.05 Mbit/s": powers of 1000. */
void text_rate(char *buf, size_t cap, uint64_t bits);

/* "0.4s", "59s", "12m05s", "3h07m", "4d11h"; below 10 s with a tenth. */
void text_age(char *buf, size_t cap, double seconds);

/*
 * Seconds of "30s", "10m", "2h", "1d" or a plain number of seconds, from 1 to a
 * year.  Returns 0 for anything else.
 */
uint64_t text_seconds(const char *s);

/* Bytes of "512", "64K", "2M", "1G".  Returns false for anything else. */
bool text_size(const char *s, uint64_t *bytes);

/* Does s match the pattern, in which * stands for any text? */
bool text_match(const char *pattern, const char *s);

/*
 * Changes of one letter (added, dropped, replaced) that make a of b; texts
 * longer than 31 bytes are 99 apart.
 */
unsigned text_distance(const char *a, const char *b);

#endif
