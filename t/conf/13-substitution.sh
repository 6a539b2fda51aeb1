#!/bin/bash
# ${NAME} of sluice.ini in text and attributes; an unknown NAME is a fault.
# shellcheck disable=SC2016 # ${NAME} is for the server
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

file sluice.ini '# a comment
A.PORT = 1936
 W=  2
Q = "  x"
EMPTY ='
adaptor '127.0.0.1:${A.PORT}</HostPort><HostPort name="${W}">:${A.PORT}'
file Server.xml '<Root><Server><ResourceLimits><Workers>${W}</Workers>
<ArenaSize>${EMPTY}</ArenaSize></ResourceLimits>
<Logging><File>${CONF}/${%SLUICE_T%}.log</File></Logging></Server></Root>'
export SLUICE_T=y
accepts
printed '<Workers>2</Workers>'
printed '<ArenaSize>0</ArenaSize>'
printed '<HostPort>127.0.0.1:1936</HostPort>'
printed "<File>$C/y.log</File>"

file ams.ini 'W = 5
V = 6'
accepts
printed '<Workers>2</Workers>'
rm "$C/sluice.ini"
file ams.ini 'W = 5
A.PORT = 1
EMPTY='
accepts
printed '<Workers>5</Workers>'

file Server.xml '<Root>
<Server><ResourceLimits><Workers>${NOT.THERE}</Workers></ResourceLimits></Server></Root>'
refuses '/c/Server.xml:2: ResourceLimits/Workers: expected a NAME that sluice.ini defines, not ${NOT.THERE}'
file Server.xml '<Root>
<Server><Httpd enabled="${NOT.THERE}"/></Server></Root>'
refuses '/c/Server.xml:2: enabled: expected a NAME'
file Server.xml '<Root><Server/></Root>'
file ams.ini 'W = 5
what is this'
refuses '/c/ams.ini:2: expected NAME = value'
