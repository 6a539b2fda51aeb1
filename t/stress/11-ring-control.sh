#!/bin/bash
# timeout: 60
#
# The torture must find what it is for: without grace periods readers meet
# foreign bytes, in processes and in threads.
cd "${top_builddir:-.}" || exit 1
set -e
./ring_torture -s 20 -x grace
./ring_torture -f threads -s 20 -x grace
