#!/bin/bash
# timeout: 60
#
# No wake-up is lost; without the re-check before sleep one is.
cd "${top_builddir:-.}" || exit 1
set -e
./ring_torture -f wake -s "${WAKE_SECONDS:-4}"
./ring_torture -f wake -s 20 -x recheck
