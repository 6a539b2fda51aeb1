#!/bin/bash
# What sluice -t says about a wrong tree: every line, exactly.
# timeout: 240
# shellcheck disable=SC2016 # ${NAME} is for the server
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"
D=_defaultRoot_/_defaultVHost_

# verdict STATUS LINE...: sluice -t ends so and says these lines, no other; the
# configuration's directory is left out of them
verdict() {
	local want=$1 status=0
	shift
	"$SLUICE" -t -c "$C" >"$TMP/out" 2>"$TMP/err" || status=$?
	sed "s|^$TMP/c/||; s|$TMP/c|CONF|g" "$TMP/err" >"$TMP/said"
	diff -u <([[ $# == 0 ]] || printf '%s\n' "$@") "$TMP/said" || fail "other words than these"
	expect "exit status" "$status" -eq "$want"
	[[ $status == 0 || ! -s $TMP/out ]] || fail "a configuration was printed"
}

fresh() {
	C=$TMP/c
	rm -rf "$C"
	mkdir -p "$C/$D"
}

# broken FILE TEXT LINE...: a tree with this file is refused with these lines
broken() {
	fresh
	put "$1" "$2"
	shift 2
	verdict 78 "$@"
}

# doubtful FILE TEXT LINE...: it is taken, with these warnings
doubtful() {
	fresh
	put "$1" "$2"
	shift 2
	verdict 0 "$@"
}

put() {
	mkdir -p "$(dirname "$C/$1")"
	printf '%b' "$2" >"$C/$1"
}

vhost() {
	printf '<VirtualHost>\\n%s</VirtualHost>' "$1"
}

adaptor_is() {
	printf '<Adaptor>\\n%s</Adaptor>' "$1"
}

routes() {
	vhost "<Proxy><Mode>remote</Mode><ExplicitHosts>*</ExplicitHosts>\\n<RouteTable$1>\\n$2</RouteTable></Proxy>"
}

# Values -----------------------------------------------------------------------
broken Server.xml '<Root><Server><ResourceLimits>\n<Workers>65</Workers>\n<MaxStreams>1.5</MaxStreams>\n<ArenaSize>12X</ArenaSize>\n</ResourceLimits></Server></Root>' \
    'Server.xml:2: ResourceLimits/Workers: expected a number from 0 to 64, not "65"' \
    'Server.xml:3: ResourceLimits/MaxStreams: expected a number from 1 to 4032, not "1.5"' \
    'Server.xml:4: ResourceLimits/ArenaSize: expected a size from 0 to 1024G (bytes, or with K, M, G), not "12X"'
broken Server.xml '<Root><Server><Logging><Level>chatty</Level></Logging></Server></Root>' \
    'Server.xml:1: Logging/Level: expected debug, info, notice, warning or error, not "chatty"'
broken $D/Vhost.xml "$(vhost '<Proxy>\n<Mode>edge</Mode>\n<Anonymous>maybe</Anonymous>\n<RequestTimeout>0</RequestTimeout></Proxy>')" \
    "$D/Vhost.xml:3: Proxy/Mode: expected local or remote, not \"edge\"" \
    "$D/Vhost.xml:4: Proxy/Anonymous: expected true or false, not \"maybe\"" \
    "$D/Vhost.xml:5: Proxy/RequestTimeout: expected seconds, a number from 1 to 600, not \"0\""
broken $D/Vhost.xml "$(vhost '<Proxy><LocalAddress>eth0</LocalAddress></Proxy>')" \
    "$D/Vhost.xml:2: Proxy/LocalAddress: expected an IPv4 or IPv6 address of this machine, or one of each with a comma between, not \"eth0\""
broken $D/Application.xml '<Application>\n<Client><SlowPolicy>drop</SlowPolicy></Client>\n<StreamManager><Live><Latency>low</Latency></Live></StreamManager></Application>' \
    "$D/Application.xml:2: Client/SlowPolicy: expected skip, audio or close, not \"drop\"" \
    "$D/Application.xml:3: StreamManager/Live/Latency: expected lowest, balanced, throughput, or milliseconds from 0 to 1000, not \"low\""
broken Server.xml "<Root><Server><Logging>\n<File>$(printf 'x%.0s' {1..300})</File></Logging></Server></Root>" \
    "Server.xml:2: Logging/File: expected text of at most 255 bytes, not \"$(printf 'x%.0s' {1..60})\""

# Names ------------------------------------------------------------------------
broken Server.xml '<Root><Server>\n<Process><UID>${SERVER.UID}</UID></Process></Server></Root>' \
    'Server.xml:2: Process/UID: expected a NAME that sluice.ini defines, not ${SERVER.UID}'
broken Server.xml '<Root><Server>\n<Httpd enabled="${SERVER.HTTPD}"/></Server></Root>' \
    'Server.xml:2: enabled: expected a NAME that sluice.ini defines, not ${SERVER.HTTPD}' \
    'Server.xml:2: notice: Httpd: has no meaning here, ignored'
broken Server.xml '<Root><Server><Process>\n<UID>${A</UID></Process></Server></Root>' \
    'Server.xml:2: Process/UID: expected a } after ${'
broken sluice.ini 'A = 1\nworkers 4\n' \
    'sluice.ini:2: expected NAME = value, or # and a comment'
broken ams.ini 'A = 1\nB = ${A}/x\n' \
    'ams.ini:2: expected a value without ${ } in it'
broken fms.ini '\xff\xfeA\0=\0001\0\n\0' \
    'fms.ini:1: expected text in UTF-8 (there are NUL bytes in it)'

# XML --------------------------------------------------------------------------
broken Server.xml '<Root>\n<Server>\n' \
    'Server.xml:3: expected well-formed XML: Premature end of data in tag Server line 2'
broken $D/Vhost.xml '<VirtualHost>\n<Proxy>\n</VirtualHost>' \
    "$D/Vhost.xml:3: expected well-formed XML: Opening and ending tag mismatch: Proxy line 2 and VirtualHost"
broken Server.xml '' \
    'Server.xml:1: expected well-formed XML: Document is empty'
broken Server.xml 'Workers = 3\n' \
    "Server.xml:1: expected well-formed XML: Start tag expected, '<' not found"
broken Server.xml '<Root><Server>\n<Logging><File>\xe9</File></Logging></Server></Root>' \
    'Server.xml:2: expected well-formed XML: Input is not proper UTF-8, indicate encoding !'
broken Server.xml '<?xml version="1.0" encoding="KLINGON"?>\n<Root/>' \
    'Server.xml:1: expected well-formed XML: Unsupported encoding KLINGON'
broken Server.xml '<Root><Server>\n<Process><UID>&user;</UID></Process></Server></Root>' \
    "Server.xml:2: expected well-formed XML: Entity 'user' not defined"
broken Server.xml '<?xml version="1.0"?>\n<!DOCTYPE Root>\n<Root/>' \
    'Server.xml:2: DOCTYPE: expected a document without a document type'
broken Server.xml '<VirtualHost/>' \
    'Server.xml:1: VirtualHost: expected Root as the root of Server.xml'
broken _defaultRoot_/Adaptor.xml '<Root/>' \
    '_defaultRoot_/Adaptor.xml:1: Root: expected Adaptor as the root of Adaptor.xml'
broken $D/Vhost.xml '\n<Vhost/>' \
    "$D/Vhost.xml:2: Vhost: expected VirtualHost as the root of Vhost.xml"
broken $D/Application.xml '<App/>' \
    "$D/Application.xml:1: App: expected Application as the root of Application.xml"
broken $D/Application.xml '<Application>\n<Client override="never"/></Application>' \
    "$D/Application.xml:2: Client: expected override=\"yes\" or \"no\", not \"never\""

# Listeners, Allow, Deny -------------------------------------------------------
# port TEXT LINE...: the same with a HostPort, at line 3
port() {
	local text=$1 lines=()
	shift
	for l; do lines+=("_defaultRoot_/Adaptor.xml:3: $l"); done
	broken _defaultRoot_/Adaptor.xml "$(adaptor_is "<HostPortList>\\n<HostPort>$text</HostPort></HostPortList>")" "${lines[@]}"
}
port 1935 'HostPort: expected a colon before the port, as in :1935, not "1935"'
port :99999 'HostPort: expected a port number from 0 to 65535, not ":99999"'
port :1935,,80 'HostPort: expected a port number from 0 to 65535, not ":1935,,80"'
port live.example:1935 'HostPort: expected a numeric address, as in 192.0.2.1:1935 or [2001:db8::1]:1935 (names are not looked up), not "live.example:1935"'
port '[::1:1935' 'HostPort: expected [address]:port,port, not "[::1:1935"'
port :80,80 'HostPort: expected an address and port that is not in the list already, not ":80,80"'
port :-443 'HostPort: expected a port without TLS as well (TLS is not in this version)' \
    'warning: HostPortList/HostPort: TLS is not in this version; its ports (-443) are not opened'
nets='expected all, localhost, or addresses as 192.0.2.7, 192.0.2, 192.0.2.0/24, 2001:db8::/32 with commas between (not names: whoever owns an address can claim any), not'
broken _defaultRoot_/Adaptor.xml "$(adaptor_is '<Allow>all, example.org</Allow>\n<Deny>10.1.2.3.4,10.0.0.1/8</Deny>\n<Order>Deny</Order>')" \
    "_defaultRoot_/Adaptor.xml:2: Allow: $nets \"example.org\"" \
    "_defaultRoot_/Adaptor.xml:3: Deny: $nets \"10.1.2.3.4\"" \
    "_defaultRoot_/Adaptor.xml:3: Deny: $nets \"10.0.0.1/8\"" \
    '_defaultRoot_/Adaptor.xml:4: Order: expected Allow,Deny or Deny,Allow, not "Deny"'

# Virtual hosts and applications -----------------------------------------------
fresh
mkdir "$C"/_defaultRoot_/{a.example,A.example}
put _defaultRoot_/a.example/Vhost.xml '<VirtualHost/>'
put _defaultRoot_/A.example/Vhost.xml '<VirtualHost/>'
verdict 78 '_defaultRoot_/a.example: expected another name: that of A.example differs only in capitals'
fresh
put '_defaultRoot_/a b/Vhost.xml' '<VirtualHost/>'
verdict 78 '_defaultRoot_/a b: expected a host name below 128 bytes as the name of this directory'
fresh
put one.xml '<Sluice>\n<VirtualHost name="a"/>\n<VirtualHost name="A"/>\n<Application/>\n<Application/>\n<Application name="x/y"/></Sluice>'
C=$TMP/c/one.xml
verdict 78 'one.xml:3: VirtualHost: expected each virtual host once: A is above already' \
    'one.xml:5: Application: expected each application of a virtual host once, the one without a name first' \
    'one.xml:6: Application: expected a name below 128 bytes without blanks and slashes, not "x/y"'
broken $D/Vhost.xml "$(vhost '<AliasList>\n<Alias name="a/b"/></AliasList>')" \
    "$D/Vhost.xml:3: AliasList/Alias: expected a host name below 128 bytes, not \"a/b\""
broken $D/Vhost.xml "$(vhost '\n<AppsDir>apps</AppsDir>')" \
    "$D/Vhost.xml:3: AppsDir: expected a directory, CONF/apps: No such file or directory (make it, or leave AppsDir empty and any name is an application)"
fresh
put apps/vod/Application.xml '<Application>\n<Client><MaxStreams>x</MaxStreams></Client></Application>'
put $D/Vhost.xml "$(vhost '<AppsDir>apps</AppsDir>')"
verdict 78 'apps/vod/Application.xml:2: Client/MaxStreams: expected a number from 1 to 64, not "x"'

# Routes -----------------------------------------------------------------------
# route TEXT [ATTRIBUTE] LINE...
route() {
	local text=$1 attribute=$2
	shift 2
	broken $D/Vhost.xml "$(routes '' "<RouteEntry$attribute>$text</RouteEntry>")" "${@/#/$D/Vhost.xml:4: Proxy/RouteTable/RouteEntry: }"
}
left='expected HOST:PORT;HOST:PORT or HOST:PORT;null, where * is any host or any port, not'
right='expected HOST:PORT or null behind the semicolon, where * is the host or the port that came, not'
route edge1.example '' "$left \"edge1.example\""
route '*.example:*;b:1' '' "$left \"*.example:*;b:1\""
route 'a:*;' '' "$right \"a:*;\""
route 'a:*;rtmp://b/' '' "$right \"a:*;rtmp://b/\""
route 'a:0;b:1' '' "$left \"a:0;b:1\""
route 'a:*;b:1' ' protocol="rtmps"' 'expected protocol="rtmp" or none (TLS is not in this version)'
route 'a:*;b:1' ' protocol="http"' 'expected protocol="rtmp" or none, not "http"'
broken $D/Vhost.xml "$(routes ' protocol="rtmps"' '')" \
    "$D/Vhost.xml:3: Proxy/RouteTable: expected protocol=\"rtmp\" or none (TLS is not in this version)"
broken $D/Vhost.xml "$(routes ' select="random"' '')" \
    "$D/Vhost.xml:3: Proxy/RouteTable: expected select=\"hash\" or none, not \"random\""

# Files and directories --------------------------------------------------------
fresh
mkdir "$C/Server.xml"
verdict 78 'Server.xml:1: expected a readable file below 1 MiB: Is a directory'
fresh
ln -s nowhere "$C/Server.xml"
verdict 78 'Server.xml:1: expected a readable file below 1 MiB: a symbolic link that leads nowhere'
fresh
ln -s Server.xml "$C/Server.xml"
verdict 78 'Server.xml:1: expected a readable file below 1 MiB: Too many levels of symbolic links'
fresh
mkfifo "$C/sluice.ini"
verdict 78 'sluice.ini:1: expected a readable file below 1 MiB: it is no regular file'
fresh
put Server.xml '<Root/>'
chmod 0 "$C/Server.xml"
if [[ $(id -u) != 0 ]]; then # for root every file is readable
	verdict 78 'Server.xml:1: expected a readable file below 1 MiB: Permission denied'
fi
fresh
C=$TMP/c/none
verdict 78 'none: expected a configuration directory: No such file or directory (mkdir it: an empty one holds every default)'
fresh
put Server.xml '<Root/>'
C=$TMP/c/Server.xml
verdict 78 'Server.xml:1: Root: expected Sluice as the root of a configuration in one file (or give its directory to -c)'
fresh
put $D/Vhost.xml '<VirtualHost/>'
C=$TMP/c/$D
verdict 78 "$D/Vhost.xml:1: expected this file below _defaultRoot_: the configuration is the directory around that"

# Other servers ----------------------------------------------------------------
words='README.md, "Coming from another server", says what becomes of it'
fresh
rm -r "$C/_defaultRoot_"
put nginx.conf '# a comment\nworker_processes  1;\n\nrtmp {\n\tserver {\n\t\tlisten 1935;\n\t}\n}\n'
verdict 78 "nginx.conf:1: expected a configuration of Sluice: this is one of nginx; $words"
C=$TMP/c/nginx.conf
verdict 78 "nginx.conf:2: expected a configuration of Sluice: this is one of nginx; $words"
fresh
put srs.conf '\nlisten              1935;\nvhost __defaultVhost__ {\n}\n'
C=$TMP/c/srs.conf
verdict 78 "srs.conf:2: expected a configuration of Sluice: this is one of SRS; $words"
broken Server.xml 'rtmp {\n}\n' "Server.xml:1: expected a configuration of Sluice: this is one of nginx; $words"

# Doubtful, but taken ----------------------------------------------------------
doubtful Server.xml '\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\r\n<Root><Server/></Root>\r\n'
doubtful sluice.ini '\xef\xbb\xbfA = 1\r\nB = 2\r\n'
fresh
put sluice.ini '\xef\xbb\xbfW = 7\r\n'
put Server.xml '<Root><Server><ResourceLimits><Workers>${W}</Workers></ResourceLimits></Server></Root>'
accepts
printed '<Workers>7</Workers>'
fresh
printf '<?xml version="1.0" encoding="UTF-16"?><Root><Server><ResourceLimits><Workers>6</Workers></ResourceLimits></Server></Root>' |
    iconv -t UTF-16 >"$C/Server.xml"
accepts
printed '<Workers>6</Workers>'
doubtful $D/Vhost.xml "$(vhost '<Proxy>remote</Proxy>\n<proxy><Mode>remote</Mode></proxy>\n<Mode>remote</Mode>\n<AppsDir><Dir>x</Dir></AppsDir>')" \
    "$D/Vhost.xml:2: warning: Proxy: ignored: \"remote\"; elements belong here, no text" \
    "$D/Vhost.xml:3: warning: proxy: ignored; did you mean Proxy?" \
    "$D/Vhost.xml:4: warning: Mode: ignored here; did you mean Proxy/Mode?" \
    "$D/Vhost.xml:5: notice: AppsDir/Dir: has no meaning here, ignored"
doubtful $D/Vhost.xml "$(vhost '<Proxy><CacheDir enabled="true" useAppName="true"/></Proxy>')" \
    "$D/Vhost.xml:2: warning: Proxy/CacheDir: recorded content is not in this version, nothing is cached on disk"
doubtful Server.xml '<Root><Server><Logging><Level>info</Level>\n<Level>debug</Level></Logging></Server></Root>' \
    'Server.xml:2: warning: Logging/Level: given twice, this one holds'
fresh
put _defaultRoot_/a/Vhost.xml "$(vhost '<AliasList><Alias name="tv"/>\n<Alias name="b"/></AliasList>')"
put _defaultRoot_/b/Vhost.xml "$(vhost '<AliasList><Alias name="TV"/></AliasList>')"
verdict 0 '_defaultRoot_/b/Vhost.xml:2: warning: Alias TV: never used: a has this alias already, take one away' \
    '_defaultRoot_/a/Vhost.xml:3: warning: Alias b: never used as an alias: a virtual host has this name'
fresh
mkdir "$C/_defaultRoot_/c"
verdict 0 '_defaultRoot_/c: warning: c: no virtual host: it has neither Vhost.xml nor Application.xml'
fresh
mkdir "$C/_second_"
put _second_/Adaptor.xml '<Adaptor/>'
verdict 0 '_second_/Adaptor.xml:1: warning: _second_: this adaptor is not read: there is one, _defaultRoot_, and its HostPortList may hold many addresses'
fresh
put applications/vod/Application.xml '<Application>\n<Client override="no">\n<MaxStreams>3</MaxStreams></Client></Application>'
put $D/Application.xml '<Application><Client override="no"><MaxStreams>2</MaxStreams></Client></Application>'
verdict 0 "applications/vod/Application.xml:2: notice: Client: override means nothing here, but in the virtual host's Application.xml" \
    "applications/vod/Application.xml:3: notice: Client/MaxStreams: not taken: override=\"no\" in the virtual host's Application.xml"
doubtful $D/Vhost.xml "$(routes '' '<RouteEntry>*:80;null</RouteEntry>\n<RouteEntry>a:80;b:1</RouteEntry>\n<RouteEntry>a:*;c:1</RouteEntry>\n<RouteEntry>A:81;C:1</RouteEntry>')" \
    "$D/Vhost.xml:5: warning: RouteEntry a:80;b:1: can never match: an entry before it refuses all that it matches" \
    "$D/Vhost.xml:7: warning: RouteEntry A:81;C:1: is never of use: an entry before it leads to the same place"
doubtful $D/Vhost.xml "$(vhost '<Proxy><Mode>remote</Mode></Proxy>')" \
    "$D/Vhost.xml: warning: Proxy/ExplicitHosts: not given: clients may send this edge to any address of the Internet, port 1935; name those that it is for"
broken $D/Vhost.xml "$(vhost '<Proxy>\n<ExplicitHosts>a, rtmp://b/</ExplicitHosts></Proxy>')" \
    "$D/Vhost.xml:3: Proxy/ExplicitHosts: expected host, .domain, network (192.0.2.0/24) or *, each with :port or :* if it is not 1935, with commas between; not \"rtmp://b/\""
fresh
put _defaultRoot_/edge1/Vhost.xml "$(vhost '<AliasList><Alias name="tv"/></AliasList><Proxy><Mode>remote</Mode><Anonymous>true</Anonymous>\n<RouteTable><RouteEntry>tv:*;o:1</RouteEntry>\n<RouteEntry>edge2:*;o:1</RouteEntry></RouteTable></Proxy>')"
verdict 0 '_defaultRoot_/edge1/Vhost.xml:4: warning: RouteEntry edge2:*;o:1: can never match: it names neither this virtual host nor an alias of it'
