#!/bin/bash
# timeout: 240
#
# Death after each instruction of publish, wake, release and of a reader's
# section; STEPS_SECONDS for each of the three (some 200 reach every place).
cd "${top_builddir:-.}" || exit 1
exec ./ring_torture -f steps -s "${STEPS_SECONDS:-3}"
