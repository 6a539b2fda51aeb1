#!/bin/bash
#
# Who may include whom.  A folder is a program or a library:
#
#	common  <-  shm, rtmp  <-  worker
#	common  <-  shm        <-  master, ctl
#	common  <-  rtmp       <-  bench
#
# Inside worker/, left never includes right: see worker_rank.
# Some system headers belong to few files.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
bad=0

complain() {
	echo "$*"
	bad=1
}

# Folders whose headers a folder may include.
allowed() {
	case $1 in
	common) echo common ;;
	shm) echo common shm ;;
	rtmp) echo common rtmp ;;
	worker) echo common shm rtmp worker ;;
	master) echo common shm master ;;
	ctl) echo common shm ctl ;;
	bench) echo common rtmp bench ;;
	esac
}

# loop | conn | session | publish play | main; -1: no place in this order
worker_rank() {
	case $1 in
	loop) echo 0 ;;
	conn) echo 1 ;;
	session) echo 2 ;;
	publish | play | upstream) echo 3 ;;
	main) echo 4 ;;
	*) echo -1 ;;
	esac
}

# Files that may include a system header (a pattern for case), if it is special.
owners() {
	case $1 in
	liburing.h) echo 'worker/loop.[ch]|bench/*' ;;
	libxml/*) echo 'master/conf_xml.[ch]' ;;
	esac
}

check_ours() {
	local file=$1 target=$2 from=${1%%/*} to=${2%%/*} here there
	if [[ " $(allowed "$from") " != *" $to "* ]]; then
		complain "$file includes $target: $from may include $(allowed "$from")"
	fi
	[[ -e $target ]] || complain "$file includes $target, which is no file"
	[[ $from == worker && $to == worker ]] || return 0
	here=$(worker_rank "$(basename "${file%.?}")")
	there=$(worker_rank "$(basename "${target%.?}")")
	if [[ $here -ge 0 && $there -ge 0 && $there -gt $here ]]; then
		complain "$file includes $target, which is above it"
	fi
}

check_system() {
	local file=$1 target=$2 pattern
	pattern=$(owners "$target")
	[[ -n $pattern ]] || return 0
	local p ok=0
	while read -r -d '|' p; do
		# shellcheck disable=SC2053 # a pattern
		if [[ $file == $p ]]; then ok=1; fi
	done <<<"$pattern|"
	[[ $ok == 1 ]] || complain "$file includes <$target>: only $pattern may"
}

shopt -s nullglob
files=({common,shm,rtmp,worker,master,ctl,bench}/*.[ch])
[[ ${#files[@]} -gt 0 ]] || complain "no sources found"
for file in "${files[@]}"; do
	while IFS=: read -r kind target; do
		case $target in
		config.h) [[ $file == *.c ]] || complain "$file includes config.h" ;;
		*) if [[ $kind == ours ]]; then
			check_ours "$file" "$target"
		else
			check_system "$file" "$target"
		fi ;;
		esac
	done < <(sed -n \
	    -e 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/ours:\1/p' \
	    -e 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*<\([^>]*\)>.*/system:\1/p' \
	    "$file")
	if [[ $file == *.c ]] && [[ $(grep -m 1 '^#include' "$file") != '#include "config.h"' ]]; then
		complain "$file: config.h is not its first include"
	fi
done
echo "${#files[@]} files"
exit "$bad"
