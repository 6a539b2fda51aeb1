#!/bin/bash
#
# Our scripts pass shellcheck.  Variables that t/lib.sh sets or that scripts set
# for it are not seen by it.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
command -v shellcheck >/dev/null || { echo "skipped: shellcheck is missing"; exit 77; }
shopt -s nullglob
shellcheck -S warning bootstrap .ci/run bench/run t/run t/lib.sh t/rtmp.sh t/conf/compare media/*.sh t/lint/*.sh || exit 1
scripts=(t/*.sh t/{conf,e2e,stress,long}/*.sh)
[[ ${#scripts[@]} == 0 ]] || printf '%s\0' "${scripts[@]}" | xargs -0 -n 8 -P 4 \
    shellcheck -S warning -e SC1090,SC1091,SC2034,SC2119,SC2120,SC2154 -s bash
