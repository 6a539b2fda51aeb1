#!/bin/bash
#
# Who may include whom.  A folder is a program or a library:
#
#	common  <-  shm, rtmp  <-  worker
#	common  <-  shm        <-  ctl
#	common  <-  shm, rtmp  <-  master (of rtmp: URLs)
#	common  <-  rtmp       <-  bench
#	common  <-  script
#	common  <-  callback
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
declare -A allowed=(
	[common]="common"
	[shm]="common shm"
	[rtmp]="common rtmp"
	[worker]="common shm rtmp worker"
	[master]="common shm rtmp master"
	[ctl]="common shm ctl"
	[bench]="common rtmp bench"
	[script]="common script"
	[callback]="common callback"
)

# loop | conn | session | publish play | main; others have no place in this order
declare -A worker_rank=(
	[loop]=0 [conn]=1 [session]=2 [publish]=3 [play]=3 [upstream]=3 [main]=4
)

# Files that may include a system header (patterns), if it is special.
owners() {
	case $1 in
	ares.h) owner='worker/resolve.[ch]' ;;
	curl/*) owner='callback/*' ;;
	duktape.h) owner='script/*' ;;
	liburing.h) owner='worker/loop.[ch]|bench/*' ;;
	libxml/*) owner='master/conf_xml.c|master/conf_parse.c' ;;
	*) owner= ;;
	esac
}

check_ours() {
	local file=$1 target=$2 from=${1%%/*} to=${2%%/*} here there
	if [[ " ${allowed[$from]} " != *" $to "* ]]; then
		complain "$file includes $target: $from may include ${allowed[$from]}"
	fi
	[[ -e $target ]] || complain "$file includes $target, which is no file"
	[[ $from == worker && $to == worker ]] || return 0
	here=${file##*/}
	here=${worker_rank[${here%.?}]:-9}
	there=${target##*/}
	there=${worker_rank[${there%.?}]:--1}
	if [[ $there -gt $here ]]; then
		complain "$file includes $target, which is above it"
	fi
}

check_system() {
	local file=$1 target=$2 p
	owners "$target"
	[[ -n $owner ]] || return 0
	for p in ${owner//|/ }; do
		# shellcheck disable=SC2053 # a pattern
		if [[ $file == $p ]]; then return 0; fi
	done
	complain "$file includes <$target>: only $owner may"
}

shopt -s nullglob
files=({common,shm,rtmp,worker,master,ctl,bench,script,callback}/*.[ch])
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
