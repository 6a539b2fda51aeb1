/*
 * siphash - SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash, so that
 * nobody outside can choose names that collide in the directory.
 */
#ifndef COMMON_SIPHASH_H
#define COMMON_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *data, size_t len);

#endif
