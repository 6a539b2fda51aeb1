#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/user.h"

static bool
is_default(const char *s)
{
	return s[0] == '\0' || strcmp(s, "-1") == 0;
}

static bool
is_number(const char *s, uint32_t *n)
{
	char *end;
	if (s[0] == '\0' || s[strspn(s, "0123456789")] != '\0')
		return false;
	unsigned long v = strtoul(s, &end, 10);
	*n = (uint32_t)v;
	return v < UINT32_MAX;
}

static bool
find_user(const char *name, uint32_t *u, uint32_t *g)
{
	uint32_t n;
	bool number = is_number(name, &n);
	struct passwd *pw = number ? getpwuid(n) : getpwnam(name);
	if (pw) {
		*u = pw->pw_uid;
		*g = pw->pw_gid;
	} else if (number) {
		*u = *g = n;
	}
	return pw || number;
}

enum user_fault
user_find(const char *uid, const char *gid, uint32_t *u, uint32_t *g)
{
	*u = *g = UINT32_MAX;
	if (geteuid() != 0)
		return USER_OK;
	bool found = is_default(uid) ? find_user("sluice", u, g) ||
					   find_user("nobody", u, g)
				     : find_user(uid, u, g);
	if (!found)
		return USER_NO_UID;
	if (is_default(gid))
		return USER_OK;
	struct group *gr = getgrnam(gid);
	if (gr)
		*g = gr->gr_gid;
	else if (!is_number(gid, g))
		return USER_NO_GID;
	return USER_OK;
}
