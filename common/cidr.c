#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/cidr.h"

#define BLANKS " \t\r\n"

/* The next item without blanks around it; false at the end. */
static bool
next_item(const char **p, const char **item, size_t *len)
{
	if (*p == NULL)
		return false;
	const char *s = *p, *comma = strchr(s, ',');
	size_t n = comma != NULL ? (size_t)(comma - s) : strlen(s);
	*p = comma != NULL ? comma + 1 : NULL;
	while (n > 0 && strchr(BLANKS, s[0]) != NULL) {
		s++;
		n--;
	}
	while (n > 0 && strchr(BLANKS, s[n - 1]) != NULL)
		n--;
	*item = s;
	*len = n;
	return true;
}

static bool
is_word(const char *item, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(item, word, len) == 0;
}

int
cidr_list_check(const char *list, char *err, size_t errlen)
{
	const char *item;
	size_t n;
	struct addr_net net;
	char want[96];
	if (list[strspn(list, BLANKS)] == '\0')
		return 0;
	while (next_item(&list, &item, &n)) {
		if (is_word(item, n, "all") || is_word(item, n, "local"))
			continue;
		if (addr_net_parse(item, n, &net, want, sizeof want) == 0)
			continue;
		snprintf(err, errlen, "all, local, %s; several between commas",
		    want);
		return -1;
	}
	return 0;
}

bool
cidr_list_has(const char *list, const struct addr *a, bool local)
{
	const char *item;
	size_t n;
	struct addr_net net;
	char want[96];
	while (next_item(&list, &item, &n)) {
		if (is_word(item, n, "all") ||
		    (local && is_word(item, n, "local")))
			return true;
		if (a != NULL &&
		    addr_net_parse(item, n, &net, want, sizeof want) == 0 &&
		    addr_net_has(&net, a))
			return true;
	}
	return false;
}

bool
cidr_list_has_all(const char *list)
{
	return cidr_list_has(list, NULL, false);
}
