#!/bin/bash
# sluice-callback alone: answers cut at every byte, malformed messages, a certificate that
# nobody knows.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
need python3 openssl
python3 "$top_srcdir/t/e2e/callbacks.py" "$top_builddir/sluice-callback" || fail "sluice-callback"
