/*
 * dns - a tiny server of names for a test (RFC 1035), in the test's own thread:
 * dns_serve() answers what has come.  It knows the names of the table in dns.c
 * and says NXDOMAIN to all others.
 */
#ifndef UNIT_DNS_H
#define UNIT_DNS_H

#include <stdint.h>

/* Opens UDP and TCP on a free port of 127.0.0.1; writes "127.0.0.1:port". */
void dns_open(char servers[32]);
void dns_serve(void);
void dns_close(void);

/* Questions so far: all, and those that came by TCP. */
unsigned dns_asked(void);
unsigned dns_asked_tcp(void);

#endif
