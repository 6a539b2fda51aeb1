#!/bin/bash
# No entity, no document type, no network, no endless file.
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

# quick: as refuses, and within 5 s in little memory
quick() {
	local status=0
	(ulimit -v 4000000; timeout 5 "$SLUICE" -t -c "$C" >"$TMP/out" 2>"$TMP/err") ||
	    status=$?
	expect "exit status" "$status" -eq 78
	grep -q "$1" "$TMP/err" || fail "no line like $1: $(cat "$TMP/err")"
}
if grep -q __asan_init "$SLUICE"; then # it reserves more address space
	quick() { refuses "$1"; }
fi
bomb='<!DOCTYPE Root [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">'
for i in b:a c:b d:c e:d f:e g:f h:g; do
	e="&${i#*:};"
	bomb+="<!ENTITY ${i%:*} \"$e$e$e$e$e$e$e$e$e$e\">"
done
file Server.xml "$bomb]><Root><Server><Logging><File>&h;</File></Logging></Server></Root>"
quick 'Server.xml:1: DOCTYPE: expected a document without a document type'
file Server.xml "$bomb]><Root><Server a=\"&h;\"/></Root>"
quick 'DOCTYPE'
file Server.xml '<!DOCTYPE Root [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Root><Server><Logging><File>&x;</File></Logging></Server></Root>'
quick 'DOCTYPE'
file Server.xml '<!DOCTYPE Root SYSTEM "http://127.0.0.1:1/x.dtd"><Root/>'
quick 'DOCTYPE'
file Server.xml '<Root><Server>&nothing;</Server></Root>'
quick 'Server.xml:1: '
{
	printf '<Root>'
	yes '<a>' | head -n 5000
} >"$C/Server.xml"
quick 'Server.xml:[0-9]*: expected well-formed XML'
head -c 2000000 /dev/zero >"$C/Server.xml"
quick 'Server.xml:1: expected a readable file below 1 MiB'
rm "$C/Server.xml"
mkfifo "$C/Server.xml"
quick 'Server.xml:1: expected a readable file'
