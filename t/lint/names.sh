#!/bin/bash
#
# No path of somebody's machine is in the tree.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
if grep -rnIE '(^|[^A-Za-z0-9_.])/(home/[a-z]+|root|work|Users)/' \
    --include='*' --exclude=.git --exclude-dir={.git,build,build-aux,autom4te.cache} \
    --exclude={names.sh,configure,Makefile.in,aclocal.m4,'*.log'} .; then
	exit 1
fi
exit 0
