#!/bin/bash
#
# The manual and the completion of sluicectl are what the table of its commands
# says (ctl/verbs.def); UPDATE=1 writes them.
set -u
top_builddir=$(cd "${top_builddir:-.}" && pwd)
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
doc=$top_builddir/ctl-doc
[[ -x $doc ]] || { echo "$doc is not built: make check builds it"; exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/sluice-lint.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
"$doc" man >"$tmp/man" && "$doc" bash >"$tmp/bash" || exit 1

# PAGE with the lines between the marks replaced
page() {
	sed -e '/^\.\\" begin of what ctl-doc makes/r '"$tmp/man" \
	    -e '/^\.\\" begin of/,/^\.\\" end of it/{/^\.\\" begin of/b;/^\.\\" end of it/b;d}' \
	    man/sluicectl.8
}
page >"$tmp/page"
if [[ ${UPDATE:-0} == 1 ]]; then
	mkdir -p etc/bash
	cp "$tmp/page" man/sluicectl.8
	cp "$tmp/bash" etc/bash/sluicectl
fi
[[ $(wc -l <"$tmp/man") -gt 50 ]] || { echo "ctl-doc says too little"; exit 1; }
diff -u man/sluicectl.8 "$tmp/page" && diff -u etc/bash/sluicectl "$tmp/bash" ||
    { echo "drift: UPDATE=1 t/lint/ctl.sh"; exit 1; }
bash -n etc/bash/sluicectl || exit 1

# completion gives what it should
# shellcheck source=/dev/null
. etc/bash/sluicectl
COMP_WORDS=(sluicectl client "") COMP_CWORD=2
_sluicectl
[[ ${COMPREPLY[*]} == *kick* ]] || { echo "client: ${COMPREPLY[*]}"; exit 1; }
COMP_WORDS=(sluicectl client list --ro) COMP_CWORD=3
_sluicectl
[[ ${COMPREPLY[*]} == --role ]] || { echo "client list --ro: ${COMPREPLY[*]}"; exit 1; }
