#!/bin/bash
# Every form of HostPort.
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

# form TEXT ADDRESS...: TEXT means these lines
form() {
	adaptor "$1"
	shift
	accepts
	expect "addresses" "$(grep -c '<HostPort>' "$TMP/out")" -eq $#
	for a; do printed "<HostPort>$a</HostPort>"; done
}
form '' :1935
form ':' :1935
form ':1935' :1935
form ' :80,1936 ' :80 :1936
form '127.0.0.1' 127.0.0.1:1935
form '127.0.0.1:' 127.0.0.1:1935
form '127.0.0.1:1,2,3' 127.0.0.1:1 127.0.0.1:2 127.0.0.1:3
form '[127.0.0.1]:1936' 127.0.0.1:1936
form '[::1]:1936,0' '[::1]:1936' '[::1]:0'
form '::1' '[::1]:1935'
form '[2001:DB8::1]' '[2001:db8::1]:1935'
form 'localhost:1936' 127.0.0.1:1936
form ':1935,-443' :1935
says 'Adaptor.xml:3: warning: HostPortList/HostPort: TLS is not in this version'
form ':1</HostPort><HostPort name="b" ctl_channel="localhost:19350">127.0.0.2:2' \
    :1 127.0.0.2:2
for bad in -443 :-443 1935 example.org:1935 :70000 :x ':1,' '[::1' 127.0.0.1:1,1; do
	adaptor "$bad"
	refuses '/_defaultRoot_/Adaptor.xml:3: HostPort: expected '
done
