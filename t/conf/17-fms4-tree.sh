#!/bin/bash
# A tree as Flash Media Server 4 and Adobe Media Server 5 have it, with every element that
# is described for them: it starts and serves, what means nothing here is named once, a
# disk cache is warned about.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
PORT=$(free_port)
host=$CONF/_defaultRoot_/_defaultVHost_
mkdir -p "$host" "$CONF/_defaultRoot_/streaming.example.com" "$TMP/apps"/{live,vod} "$RUN"

cat >"$CONF/fms.ini" <<X
# substitution variables
SERVER.ADMIN_USERNAME = admin
SERVER.ADMIN_PASSWORD = "secret word"
SERVER.ADMINSERVER_HOSTPORT = :1111
SERVER.PROCESS_UID =
SERVER.PROCESS_GID =
SERVER.LICENSEINFO =
LIVE_DIR = $TMP/apps/live
VOD_COMMON_DIR = /webroot/vod
VOD_DIR = $TMP/apps/vod/media
SERVER.FLVCACHE_MAXSIZE=500
SERVER.HTTPD_ENABLED = true
SERVER.HTCACHECLEAN_ENABLED = true
SERVER.HTCACHEROOT = /Apache2.2/cacheroot
ADAPTOR.HOSTPORT = 127.0.0.1:$PORT
HTTPPROXY.HOST = :8134
ADAPTOR.HTTPIDENT2 = off
VHOST.APPSDIR = $TMP/apps
APP.JS_SCRIPTLIBPATH = /scriptlib
LOGGER.LOGDIR =
USERS.HTTPCOMMAND_ALLOW = false
X

cat >"$CONF/Server.xml" <<'X'
<Root>
  <Server>
    <AutoCloseIdleClients enable="false">
      <CheckInterval>60</CheckInterval>
      <MaxIdleTime>3600</MaxIdleTime>
    </AutoCloseIdleClients>
    <Security><MaxUrlLength>32</MaxUrlLength></Security>
    <LoginLimits><MaxFailures>3</MaxFailures><RecoveryTime>30</RecoveryTime><MaxElapsedTime>300</MaxElapsedTime></LoginLimits>
    <AdminServer>
      <HostPort>${SERVER.ADMINSERVER_HOSTPORT}</HostPort>
      <IpcHostPort>localhost:11110</IpcHostPort>
      <SocketGC>60</SocketGC>
      <Process><UID>${SERVER.PROCESS_UID}</UID><GID>${SERVER.PROCESS_GID}</GID></Process>
      <Allow>all</Allow><Deny></Deny><Order>Allow,Deny</Order>
      <AdminElem>false</AdminElem>
    </AdminServer>
    <Process><UID>${SERVER.PROCESS_UID}</UID><GID>${SERVER.PROCESS_GID}</GID></Process>
    <Mask>017</Mask>
    <LicenseInfo>${SERVER.LICENSEINFO}</LicenseInfo>
    <ReadBufferSize>4096</ReadBufferSize>
    <SSL>
      <SSLRandomSeed>16</SSLRandomSeed>
      <SSLSessionCacheGC>5</SSLSessionCacheGC>
      <SSLClientCtx>
        <SSLVerifyCertificate>true</SSLVerifyCertificate>
        <SSLCACertificatePath></SSLCACertificatePath>
        <SSLCACertificateFile></SSLCACertificateFile>
        <SSLVerifyDepth>9</SSLVerifyDepth>
        <SSLCipherSuite>ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH</SSLCipherSuite>
      </SSLClientCtx>
    </SSL>
    <ResourceLimits>
      <FLVCache><MaxSize>${SERVER.FLVCACHE_MAXSIZE}</MaxSize></FLVCache>
      <FLVCachePurge>60</FLVCachePurge>
      <FLVCacheSize>10</FLVCacheSize>
      <RecBuffer><MaxFlushTime>5</MaxFlushTime><MaxFlushSize>256</MaxFlushSize><MaxSize>5120</MaxSize></RecBuffer>
      <SocketGC>60</SocketGC>
      <ApplicationGC>5</ApplicationGC>
      <Protocol>
        <RTMP>
          <Edge><MaxConnectionRate>-1</MaxConnectionRate><SocketSndBuf>0</SocketSndBuf><SocketRcvBuf>0</SocketRcvBuf>
            <DiffServ>0</DiffServ><DiffServMask>0</DiffServMask></Edge>
        </RTMP>
        <ECCP><CoreTimeout>30</CoreTimeout></ECCP>
      </Protocol>
      <Connector>
        <RTMP><NumCRThreads>0</NumCRThreads><MinConnectionThreads>0</MinConnectionThreads><EnableAggMsgs>true</EnableAggMsgs>
          <MaxConnectionQueueSize>-1</MaxConnectionQueueSize><ConnectionTimeout>-1</ConnectionTimeout></RTMP>
      </Connector>
      <Master><CoreGC>300</CoreGC><CoreExitDelay>20</CoreExitDelay></Master>
    </ResourceLimits>
    <Logging>
      <Time>local</Time>
      <RetryNumber>0</RetryNumber><RetrySleep>100</RetrySleep><RecordsNumber>-1</RecordsNumber>
      <TerminatingCharacters>CRLF</TerminatingCharacters>
      <EnableSystemLogging>true</EnableSystemLogging>
      <Access><Enable>true</Enable><Scope>server</Scope>
        <Checkpoints enable="false"><CheckInterval>60</CheckInterval><LogInterval>3600</LogInterval></Checkpoints></Access>
      <Diagnostic><Enable>true</Enable></Diagnostic>
      <Application><Enable>true</Enable></Application>
      <AuthEvent><Enable>true</Enable></AuthEvent>
      <AuthMessage><Enable>true</Enable></AuthMessage>
      <FileIO><Enable>true</Enable></FileIO>
    </Logging>
    <Localhost></Localhost>
    <PublicIP></PublicIP>
    <ServerDomain></ServerDomain>
    <Streams>
      <Mp4><MaxSize>65536</MaxSize></Mp4><Flv><MaxSize>65536</MaxSize></Flv><Raw><MaxSize>65536</MaxSize></Raw>
    </Streams>
    <Httpd enabled="${SERVER.HTTPD_ENABLED}"></Httpd>
  </Server>
</Root>
X
echo '<Root><UserList><User name="${SERVER.ADMIN_USERNAME}"><Password encrypt="false">${SERVER.ADMIN_PASSWORD}</Password></User></UserList></Root>' >"$CONF/Users.xml"
echo '<Logger><Access><LogServer/><Directory>${LOGGER.LOGDIR}</Directory></Access></Logger>' >"$CONF/Logger.xml"

cat >"$CONF/_defaultRoot_/Adaptor.xml" <<'X'
<Adaptor>
  <ResourceLimits><MaxFailures>2</MaxFailures><RecoveryTime>0</RecoveryTime></ResourceLimits>
  <HostPortList>
    <HostPort name="edge1" ctl_channel="localhost:19350" rtmfp="${ADAPTOR.HOSTPORT}">${ADAPTOR.HOSTPORT}</HostPort>
  </HostPortList>
  <Allow>all</Allow>
  <Deny></Deny>
  <Order>Allow,Deny</Order>
  <HTTPTunnel>
    <Enable>true</Enable><IdlePostInterval>512</IdlePostInterval><IdleAckInterval>512</IdleAckInterval>
    <IdleTimeout>60</IdleTimeout><MimeType>application/x-fcs</MimeType><WriteBufferSize>16</WriteBufferSize>
    <SetCookie>false</SetCookie><Redirect enable="false" maxbuf="16384"><Host port="80">:8080</Host></Redirect>
    <HttpProxy enable="${SERVER.HTTPD_ENABLED}" maxbuf="16384"><Host port="80">${HTTPPROXY.HOST}</Host></HttpProxy>
    <NeedClose>true</NeedClose><MaxWriteDelay>20</MaxWriteDelay><MinWriteDelay>12</MinWriteDelay>
    <MaxHeaderLineLength>1024</MaxHeaderLineLength><MaxPipelinedRequests>3</MaxPipelinedRequests>
  </HTTPTunnel>
  <SSL>
    <SSLServerCtx>
      <SSLCertificateFile></SSLCertificateFile><SSLCertificateKeyFile type="PEM"></SSLCertificateKeyFile>
      <SSLPassPhrase></SSLPassPhrase><SSLCipherSuite>ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH</SSLCipherSuite>
      <SSLSessionTimeout>5</SSLSessionTimeout>
    </SSLServerCtx>
  </SSL>
  <HTTPIdent enable="false"></HTTPIdent>
  <HTTPIdent2 enable="${ADAPTOR.HTTPIDENT2}"></HTTPIdent2>
  <HTTPNull enable="false"></HTTPNull>
  <HTTPUserInfo enable="false"><Path></Path><MaxSize>100</MaxSize><UpdateInterval>5000</UpdateInterval></HTTPUserInfo>
  <EnableAltVhost>false</EnableAltVhost>
  <RTMP><RTMPE enabled="true"></RTMPE></RTMP>
  <RTMFP enable="true"><Core><HostPortList><HostPort public="">:19350-65535</HostPort></HostPortList></Core></RTMFP>
</Adaptor>
X

# vhost MODE
vhost() {
	cat <<X
<VirtualHost>
  <AliasList><Alias name="$2"></Alias></AliasList>
  <AppsDir>\${VHOST.APPSDIR}</AppsDir>
  <AutoCloseIdleClients enable="false"><MaxIdleTime>3600</MaxIdleTime></AutoCloseIdleClients>
  <ResourceLimits>
    <MaxConnections>-1</MaxConnections><MaxEdgeConnections>-1</MaxEdgeConnections>
    <MaxAppInstances>15000</MaxAppInstances><MaxStreams>250000</MaxStreams>
    <MaxSharedObjects>50000</MaxSharedObjects><AppInstanceGC>1</AppInstanceGC>
  </ResourceLimits>
  <VirtualKeys><Key from="WIN 8,0,0,0" to="WIN 9,0,45,0">A</Key></VirtualKeys>
  <VirtualDirectory><Streams key="">vod;\${VOD_COMMON_DIR}</Streams></VirtualDirectory>
  <DNSSuffix></DNSSuffix>
  <Allow>all</Allow>
  <Proxy>
    <Mode>$1</Mode>
    <RequestTimeout>2</RequestTimeout>
    <Anonymous>$3</Anonymous>
    <CacheDir enabled="true" useAppName="true"><Path></Path><MaxSize>32</MaxSize><NumBuckets>0</NumBuckets></CacheDir>
    <LocalAddress></LocalAddress>
    <RouteTable protocol=""><RouteEntry></RouteEntry>$4</RouteTable>
    <EdgeAutoDiscovery><Enabled>false</Enabled><AllowOverride>true</AllowOverride><WaitTime>1000</WaitTime></EdgeAutoDiscovery>
    <SSL><SSLVerifyCertificate>true</SSLVerifyCertificate><SSLCACertificatePath></SSLCACertificatePath>
      <SSLCACertificateFile></SSLCACertificateFile><SSLVerifyDepth>9</SSLVerifyDepth><SSLCipherSuite>ALL</SSLCipherSuite></SSL>
    <AggregateMessages enabled="true"><MaxAggMsgSize>65536</MaxAggMsgSize><MaxAggMsgDuration>10000</MaxAggMsgDuration></AggregateMessages>
  </Proxy>
  <Logging><Access><Checkpoints enable="true"><LogInterval>3600</LogInterval></Checkpoints></Access></Logging>
</VirtualHost>
X
}
vhost local alias1 false '' >"$host/Vhost.xml"
vhost remote edge1.example.com true "<RouteEntry protocol=\"rtmp\">*:*;127.0.0.1:$PORT</RouteEntry>" \
    >"$CONF/_defaultRoot_/streaming.example.com/Vhost.xml"
echo '<Root><UserList></UserList></Root>' >"$host/Users.xml"

cat >"$host/Application.xml" <<'X'
<Application>
  <Process>
    <Scope>vhost</Scope><Distribute numprocs="3">insts</Distribute>
    <LifeTime><RollOver></RollOver><MaxCores></MaxCores></LifeTime>
    <MaxFailures>2</MaxFailures><RecoveryTime>0</RecoveryTime>
  </Process>
  <LoadOnStartup>false</LoadOnStartup>
  <MaxAppIdleTime>1200</MaxAppIdleTime>
  <AutoCloseIdleClients enable="false"><MaxIdleTime>3600</MaxIdleTime></AutoCloseIdleClients>
  <ScriptEngine>
    <RuntimeSize>1024</RuntimeSize><MaxTimeOut>0</MaxTimeOut><ScriptLibPath>${APP.JS_SCRIPTLIBPATH}</ScriptLibPath>
    <FileObject override="no"><VirtualDirectory></VirtualDirectory></FileObject>
    <NetConnection><ObjectEncoding>AMF3</ObjectEncoding></NetConnection>
    <Security><RPC enable="false"></RPC><MaxUrlLength>32</MaxUrlLength></Security>
  </ScriptEngine>
  <StreamManager>
    <StorageDir></StorageDir><DuplicateDir appName="true"></DuplicateDir>
    <VirtualDirectory><Streams>/;${VOD_DIR}</Streams></VirtualDirectory>
    <CachePrefix type="path">?IP?</CachePrefix><CacheUpdateInterval></CacheUpdateInterval>
    <StreamMetaGCInterval></StreamMetaGCInterval>
    <Audio>
      <CombineSamples><Subscribers>8</Subscribers><LoCPU>60</LoCPU><HiCPU>80</HiCPU><MaxSamples>0</MaxSamples></CombineSamples>
      <SendSilence><Interval>3</Interval></SendSilence><NotifyAudioStop enabled="false"><StartAdvance>0</StartAdvance></NotifyAudioStop>
    </Audio>
    <Live>
      <AccumulatedIFrames><MaxTime>-1</MaxTime><MaxSize>-1</MaxSize></AccumulatedIFrames>
      <Queue enabled="true"><MaxQueueSize>4096</MaxQueueSize><MaxQueueDelay>500</MaxQueueDelay><FlushOnData>true</FlushOnData>
        <AggregateMessages enabled="true"><MaxAggMsgSize>-1</MaxAggMsgSize><MaxAggMsgDuration>10000</MaxAggMsgDuration></AggregateMessages></Queue>
      <PublishTimeout>2000</PublishTimeout><MaxLatency>500</MaxLatency>
      <StartClockOnPublish>false</StartClockOnPublish><EraseOnPublish>true</EraseOnPublish><AssumeAbsoluteTime>false</AssumeAbsoluteTime>
    </Live>
    <SendDuplicateStart>true</SendDuplicateStart><SendDuplicateOnMetaData>true</SendDuplicateOnMetaData>
    <Recording><MaxDuration>-1</MaxDuration><MaxDurationCap>-1</MaxDurationCap><MaxSize>-1</MaxSize><MaxSizeCap>-1</MaxSizeCap></Recording>
    <KeyFrameInterval>1000</KeyFrameInterval><EnhancedSeek>false</EnhancedSeek>
  </StreamManager>
  <SharedObjManager>
    <StorageDir></StorageDir><DuplicateDir></DuplicateDir><ResyncDepth>-1</ResyncDepth><LockTimeOut>-1</LockTimeOut>
    <AutoCommit>true</AutoCommit><MaxProperties>-1</MaxProperties><MaxPropertySize>-1</MaxPropertySize>
  </SharedObjManager>
  <AllowHTTPTunnel>true</AllowHTTPTunnel>
  <Client>
    <WindowsPerAck>2</WindowsPerAck>
    <Bandwidth override="yes"><ServerToClient>2500000</ServerToClient><ClientToServer>2500000</ClientToServer></Bandwidth>
    <BandwidthCap override="no"><ServerToClient>100000000</ServerToClient><ClientToServer>100000000</ClientToServer></BandwidthCap>
    <BandwidthDetection enabled="true"><MaxRate>-1</MaxRate><DataSize>16384</DataSize><MaxWait>2</MaxWait></BandwidthDetection>
    <MsgQueue>
      <Live><MaxAudioLatency>2000</MaxAudioLatency><MinBufferTime>2000</MinBufferTime></Live>
      <Recorded><MinBufferTime>2000</MinBufferTime></Recorded>
      <Server><BufferRatio>0.5</BufferRatio><Prioritization>false</Prioritization><MinQueuedVideo>64</MinQueuedVideo></Server>
    </MsgQueue>
    <OutChunkSize>4096</OutChunkSize>
    <AggregateMessages enabled="true"></AggregateMessages>
    <Access><FolderAccess>false</FolderAccess><AudioSampleAccess enabled="false">/</AudioSampleAccess><VideoSampleAccess enabled="false">/</VideoSampleAccess></Access>
    <HTTPTunnel><IdlePostInterval></IdlePostInterval></HTTPTunnel>
    <UserAgent override="yes"></UserAgent>
  </Client>
  <DisallowedProtocols></DisallowedProtocols>
  <SWFVerification enabled="false"><MinGoodVersion></MinGoodVersion></SWFVerification>
  <HTTP><HTTP1_0>true</HTTP1_0></HTTP>
  <Debug><MaxPendingDebugConnections>50</MaxPendingDebugConnections><AllowDebugDefault>false</AllowDebugDefault></Debug>
  <Logging><Access><Checkpoints enable="true"><LogInterval>3600</LogInterval></Checkpoints></Access></Logging>
</Application>
X
cp "$host/Application.xml" "$CONF/_defaultRoot_/streaming.example.com/"

"$SLUICE" -t -c "$CONF" >"$TMP/t.out" 2>"$TMP/t.err" || fail "sluice -t: $(cat "$TMP/t.err")"
xmllint --noout "$TMP/t.out" 2>/dev/null || need xmllint
# what sluice -t prints says the same again
"$SLUICE" -t -c "$TMP/t.out" 2>&1 </dev/null | diff "$TMP/t.out" - || fail "what it printed is not what it reads"
for element in AdminServer ScriptEngine SharedObjManager EdgeAutoDiscovery HTTPTunnel RTMFP VirtualKeys MsgQueue; do
	n=$(grep -c "$element" "$TMP/t.err")
	expect "lines on $element" "$n" -ge 1
done
[[ $(sort "$TMP/t.err" | uniq -d | wc -l) == 0 ]] || fail "said twice: $(sort "$TMP/t.err" | uniq -d)"
grep -q 'CacheDir.*nothing is cached' "$TMP/t.err" || fail "no warning of the disk cache"
grep -q 'secret word' "$TMP/t.out" "$TMP/t.err" && fail "a password is shown"

start_server -w 1
has_event conf.warning '.text | test("CacheDir")' || has_event config.warning '.text | test("CacheDir")' ||
    grep -q CacheDir "$LOG" || fail "the log has no warning of the disk cache"
make_media
publish_ffmpeg cam
play_ffmpeg cam "$TMP/cam.md5" -t 1
await "$spawned" || fail "it does not play"
# an application without a directory does not exist (AppsDir)
probe unknown <<X
open
hello
cmd 0 connect 1 { app s:nowhere tcUrl s:rtmp://localhost/nowhere flashVer s:probe }
wait code=NetConnection.Connect.InvalidApp
X
stop_server
