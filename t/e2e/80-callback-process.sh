#!/bin/bash
# sluice-callback alone: answers cut at every byte, malformed messages, a certificate that
# nobody knows; a resolver that never answers.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
need python3 openssl
python3 "$top_srcdir/t/e2e/callbacks.py" "$top_builddir/sluice-callback" || fail "sluice-callback"

# names are asked of this machine, in a network of its own
unshare -mn true 2>/dev/null || { note "not root: without the resolver"; exit 0; }
echo "nameserver 127.0.0.1" >"$TMP/resolv.conf"
# shellcheck disable=SC2016 # for the shell inside
unshare -mn sh -c 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' names \
    "$TMP/resolv.conf" python3 "$top_srcdir/t/e2e/callbacks.py" "$top_builddir/sluice-callback" dns ||
    fail "sluice-callback with a silent resolver"
