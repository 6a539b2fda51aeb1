#!/bin/bash
#
# The manual pages: mandoc finds nothing, and they name every parameter, reason,
# counter and event that the sources have.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
command -v mandoc >/dev/null || { echo "skipped: mandoc is missing"; exit 77; }
bad=0

# missing WHAT NAME PAGE...: complain if no page has the name as a whole word
missing() {
	local what=$1 name=$2 quoted
	shift 2
	quoted=${name//./\\.}
	if ! cat "$@" | sed 's/\\-/-/g; s/\\&//g' |
	    grep -qE "(^|[^A-Za-z0-9_.-])$quoted([^A-Za-z0-9_-]|\$)"; then
		echo "$what $name is not in $*"
		bad=1
	fi
}

# First string of every row of a table.
strings_of() {
	sed -nE "s/^$2\\([^\"]*\"([^\"]*)\".*/\\1/p" "$1"
}

for page in sluice.8 sluicectl.8 sluice-bench.1 sluice.conf.5 sluice.keys.5 sluice-log.5 \
    sluice-edge.7 sluice-script.7 sluice-migrate.7; do
	[[ -e man/$page ]] || { echo "man/$page is missing"; exit 1; }
done

# Cross references are looked up in the installed manuals: not a fault here.
if mandoc -T lint man/*.[1-8] | grep -v -e 'referenced manual not found' -e 'outdated mandoc.db'; then
	bad=1
fi

while read -r path; do
	missing parameter "$path" man/sluice.conf.5
done < <(strings_of common/conf_params.def PARAM)
while read -r reason; do
	[[ $reason == none ]] || missing reason "$reason" man/sluice-log.5
done < <(strings_of common/reason.def REASON)
while read -r counter; do
	missing counter "$counter" man/sluice-log.5 man/sluicectl.8
done < <(strings_of common/counters.def COUNTER)
while read -r event; do
	missing event "$event" man/sluice-log.5
done < <(strings_of common/events.def EVENT)
# what others call it: directives of nginx-rtmp 1.2.2, elements of Flash Media Server
while read -r directive; do
	missing directive "$directive" man/sluice-migrate.7
done <t/lint/nginx-rtmp.names
while read -r element; do
	missing element "$element" man/sluice-migrate.7
done < <(grep -o 'FMS_ELEMENT([A-Za-z0-9_]*)' master/fms_elements.def | sed 's/.*(\(.*\))/\1/')
exit "$bad"
