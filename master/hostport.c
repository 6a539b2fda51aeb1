#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/hostport.h"

/* What is appended to, and where a fault is described. */
struct out {
	struct conf_listen *list;
	uint32_t *n;
	int line;
	char *err;
	size_t errlen;
};

static int
fault(struct out *o, const char *what)
{
	snprintf(o->err, o->errlen, "%s", what);
	return -1;
}

static int
append(struct out *o, const char *host, uint16_t port, bool implicit)
{
	struct conf_listen l = {
		.port = port, .implicit = implicit, .line = o->line
	};
	snprintf(l.host, sizeof l.host, "%s", host);
	for (uint32_t i = 0; port != 0 && i < *o->n; i++)
		if (o->list[i].port == port &&
		    strcmp(o->list[i].host, l.host) == 0)
			return fault(o, "an address and port that is not in "
					"the list already");
	if (*o->n >= CONF_LISTEN_MAX)
		return fault(o, "at most 16 addresses (every address counts "
				"as two: IPv6 and IPv4)");
	o->list[(*o->n)++] = l;
	return 0;
}

/* host "" is every address. */
static int
append_host(struct out *o, const char *host, uint16_t port)
{
	if (host[0] != '\0')
		return append(o, host, port, false);
	if (append(o, "::", port, true) != 0)
		return -1;
	return append(o, "0.0.0.0", port, false);
}

/* Check an address and write it in its usual form. */
static int
canonical(const char *text, char out[64])
{
	uint8_t bytes[16];
	if (strcasecmp(text, "localhost") == 0)
		text = "127.0.0.1";
	if (text[0] == '\0') {
		out[0] = '\0';
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET;
		if (inet_pton(family, text, bytes) == 1)
			return inet_ntop(family, bytes, out, 64) ? 0 : -1;
	}
	return -1;
}

/*
 * Split "host:ports" into host (without brackets) and ports, NULL when there
 * is no colon.  Returns 0 or -1.
 */
static int
split(char *text, char **host, char **ports)
{
	*host = text;
	*ports = NULL;
	if (text[0] == '[') {
		char *close = strchr(text, ']');
		if (!close || (close[1] != ':' && close[1] != '\0'))
			return -1;
		*host = text + 1;
		*ports = close[1] == ':' ? close + 2 : NULL;
		*close = '\0';
		return 0;
	}
	char *colon = strchr(text, ':');
	if (colon && strchr(colon + 1, ':') && strchr(text, ',') == NULL)
		return 0; /* a bare IPv6 address */
	if (colon) {
		*colon = '\0';
		*ports = colon + 1;
	}
	return 0;
}

static char *
trim(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	size_t n = strlen(s);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* One port.  Returns 0, 1 for a TLS port left out, or -1. */
static int
one_port(struct out *o, const char *host, const char *text)
{
	bool tls = text[0] == '-';
	const char *digits = text + tls;
	char *end;
	if (!isdigit((unsigned char)digits[0]))
		return fault(o, "a port number from 0 to 65535");
	long port = strtol(digits, &end, 10);
	if (*end != '\0' || port > 65535 || strlen(digits) > 5)
		return fault(o, "a port number from 0 to 65535");
	if (tls)
		return 1;
	return append_host(o, host, (uint16_t)port);
}

static int
every_port(struct out *o, const char *host, char *ports)
{
	int tls = 0;
	if (!ports || *trim(ports) == '\0')
		return append_host(o, host, HOSTPORT_DEFAULT);
	for (char *next; ports; ports = next) {
		next = strchr(ports, ',');
		if (next)
			*next++ = '\0';
		int r = one_port(o, host, trim(ports));
		if (r < 0)
			return -1;
		tls += r;
	}
	return tls;
}

int
hostport_parse(const char *text, int line, struct conf_listen *list,
    uint32_t *n, char *err, size_t errlen)
{
	struct out o = { list, n, line, err, errlen };
	char copy[CONF_STRING], host[64], *h, *ports;
	if (strlen(text) >= sizeof copy)
		return fault(&o, "text of at most 255 bytes");
	snprintf(copy, sizeof copy, "%s", text);
	char *t = trim(copy);
	if (t[0] == '-' && isdigit((unsigned char)t[1])) {
		h = t + strlen(t); /* "-443", short for ":-443" */
		ports = t;
	} else if (t[0] != '\0' && t[strspn(t, "0123456789,-")] == '\0') {
		return fault(&o, "a colon before the port, as in :1935");
	} else if (split(t, &h, &ports) != 0) {
		return fault(&o, "[address]:port,port");
	}
	if (canonical(trim(h), host) != 0)
		return fault(&o, "a numeric address, as in 192.0.2.1:1935 or "
				 "[2001:db8::1]:1935 (names are not looked "
				 "up)");
	return every_port(&o, host, ports);
}

void
hostport_default(struct conf_listen *list, uint32_t *n)
{
	char err[1];
	*n = 0;
	(void)hostport_parse(":", 0, list, n, err, sizeof err);
}

const char *
hostport_text(const struct conf_listen *l, char buf[HOSTPORT_TEXT])
{
	bool v6 = strchr(l->host, ':') != NULL;
	snprintf(buf, HOSTPORT_TEXT, "%s%s%s:%u", v6 ? "[" : "", l->host,
	    v6 ? "]" : "", (unsigned)l->port);
	return buf;
}
