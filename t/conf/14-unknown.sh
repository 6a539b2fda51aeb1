#!/bin/bash
# Elements without a meaning are named once, typos get a question, neither is a fault.
# shellcheck disable=SC2016 # ${NAME} is for the server
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

file Server.xml '<Root>
<Server>
<AdminServer><HostPort>:1111</HostPort></AdminServer>
<AdminServer/>
<ResourceLimits>
<Worker>3</Worker>
<FLVCache><MaxSize>500</MaxSize></FLVCache>
<ArenaSizes>1M</ArenaSizes>
<Xyzzy/>
</ResourceLimits>
</Server></Root>'
accepts
says '/c/Server.xml:3: notice: AdminServer: has no meaning here'
expect "notices about AdminServer" "$(grep -c AdminServer "$TMP/err")" -eq 1
says '/c/Server.xml:6: warning: ResourceLimits/Worker: ignored; did you mean Workers?'
says '/c/Server.xml:8: warning: ResourceLimits/ArenaSizes: ignored; did you mean ArenaSize?'
says '/c/Server.xml:9: notice: ResourceLimits/Xyzzy: '
printed '<Workers>0</Workers>'

# a tree in the form of Flash Media Server
file fms.ini 'ADAPTOR.HOSTPORT = :1935,80
SERVER.PROCESS_UID =
LIVE_DIR = /opt/live'
file Server.xml '<Root><Server>
<SSL><SSLRandomSeed></SSLRandomSeed></SSL>
<Process><UID>${SERVER.PROCESS_UID}</UID><GID>-1</GID><Mask>017</Mask></Process>
<Logging><Time>local</Time><Access><Enable>true</Enable></Access></Logging>
</Server></Root>'
file _defaultRoot_/Adaptor.xml '<Adaptor><Allow>all</Allow><HTTPTunnel/>
<HostPortList><HostPort name="edge1" ctl_channel=":19350">${ADAPTOR.HOSTPORT}</HostPort>
</HostPortList></Adaptor>'
file _defaultRoot_/_defaultVHost_/Vhost.xml '<VirtualHost><Allow>all</Allow>
<ResourceLimits><MaxStreams>250000</MaxStreams></ResourceLimits>
<Proxy><Mode>local</Mode><Anonymous>false</Anonymous></Proxy></VirtualHost>'
file _defaultRoot_/_defaultVHost_/Application.xml '<Application>
<Process><Scope>vhost</Scope></Process>
<StreamManager><Live><PublishTimeout>-1</PublishTimeout><MaxLatency>500</MaxLatency>
<AccumulatedIFrames><MaxTime>-1</MaxTime><MaxSize>-1</MaxSize></AccumulatedIFrames>
</Live></StreamManager>
<Client><Bandwidth override="yes"/></Client></Application>'
accepts
printed '<PublishTimeout>2000</PublishTimeout>'
printed '<HostPort>:80</HostPort>'
expect "warnings" "$(grep -c warning "$TMP/err")" -eq 0
