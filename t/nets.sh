# t/nets.sh - several machines for the scripts: a network namespace for each, with
# a cable to a switch; read after lib.sh.  Needs root.
#
#	nets_make NAME...	machines; the first has address .1; every one knows
#				all of them by name (/etc/hosts), and NAME=ALIAS too
#	nets_in NAME COMMAND...	run there
#	nets_addr NAME		its address
#	nets_server NAME [OPTIONS]	a server there, on port 1935; use_server NAME
#	nets_cut, nets_mend NAME	its cable: what is sent there vanishes
#
# Neighbours are known beforehand, so a cut machine is a black hole: nobody is
# told that it cannot be reached.
# shellcheck shell=bash disable=SC2034,SC2154
NETS=()
NETS_PLAYERS=()
NETS_HOSTS=$TMP/hosts
declare -A NETS_AT

nets_name() {
	echo "sl$$-$1"
}

nets_make() {
	local n=0 spec name alias
	[[ $(id -u) == 0 ]] || skip "needs root, for network namespaces"
	need ip
	trap 'nets_exit $?' EXIT
	NETS_NET=10.204.$((RANDOM % 250))
	ip netns add "$(nets_name switch)" 2>/dev/null || skip "no network namespaces here"
	NETS+=(switch)
	ip -n "$(nets_name switch)" link add br0 type bridge &&
	    ip -n "$(nets_name switch)" link set br0 up || skip "no bridge here"
	echo "127.0.0.1 localhost" >"$NETS_HOSTS"
	for spec; do
		n=$((n + 1))
		IFS='=' read -r name alias <<<"$spec"
		NETS_AT[$name]=$n
		echo "$NETS_NET.$n $name ${alias:-}" >>"$NETS_HOSTS"
		nets_machine "$name" "$n" || skip "no virtual cable here"
	done
	for name in "${!NETS_AT[@]}"; do
		nets_neighbours "$name"
	done
}

nets_machine() {
	local ns
	ns=$(nets_name "$1")
	ip netns add "$ns" && NETS+=("$1") &&
	    ip -n "$(nets_name switch)" link add "p$2" type veth peer name eth0 netns "$ns" &&
	    ip -n "$(nets_name switch)" link set "p$2" master br0 up &&
	    ip -n "$ns" link set eth0 address "02:00:00:00:00:$(printf %02x "$2")" &&
	    ip -n "$ns" addr add "$NETS_NET.$2/24" dev eth0 &&
	    ip -n "$ns" link set eth0 up && ip -n "$ns" link set lo up
}

nets_neighbours() {
	local other n
	for other in "${!NETS_AT[@]}"; do
		n=${NETS_AT[$other]}
		[[ $other == "$1" ]] || ip -n "$(nets_name "$1")" neigh replace "$NETS_NET.$n" \
		    lladdr "02:00:00:00:00:$(printf %02x "$n")" dev eth0 nud permanent
	done
}

nets_exit() {
	local status=$1 name pid
	# what runs there ends first
	for pid in "${started[@]}"; do
		kill -TERM "$pid" 2>/dev/null
	done
	retry 4 none_left
	for name in "${NETS[@]}"; do
		ip netns del "$(nets_name "$name")" 2>/dev/null
	done
	(exit "$status")
	cleanup
}

nets_addr() {
	echo "$NETS_NET.${NETS_AT[$1]}"
}

# shellcheck disable=SC2016 # for the shell there
nets_prefix() {
	IN=(ip netns exec "$(nets_name "$1")" sh -c
		'mount --bind "$0" /etc/hosts && exec "$@"' "$NETS_HOSTS")
}

nets_in() {
	local IN
	nets_prefix "$1"
	shift
	"${IN[@]}" "$@"
}

# nets_spawn NAME TAG COMMAND...: as spawn, there
nets_spawn() {
	local IN machine=$1 tag=$2
	nets_prefix "$machine"
	shift 2
	spawn "$tag" "${IN[@]}" "$@"
}

nets_server() {
	local IN name=$1
	shift
	use_server "$name"
	PORT=1935
	HOST=$(nets_addr "$name")
	nets_prefix "$name"
	start_server "$@"
}

nets_cut() {
	ip -n "$(nets_name switch)" link set "p${NETS_AT[$1]}" down || fail "the cable of $1 cannot be cut"
}

nets_mend() {
	ip -n "$(nets_name switch)" link set "p${NETS_AT[$1]}" up || fail "the cable of $1 cannot be mended"
}

# Edges ------------------------------------------------------------------------

# edge_conf ENTRY...: VHOST_XML of an implicit edge with these entries
edge_conf() {
	local e entries=''
	for e; do
		entries+="<RouteEntry>$e</RouteEntry>"
	done
	VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous><RouteTable protocol=\"\">$entries</RouteTable></Proxy>"
}

# nets_publish MACHINE URL: $MEDIA, for ever, in real time.  Sets `spawned`
nets_publish() {
	local machine=$1 url=$2
	shift 2
	need ffmpeg
	[[ -n $MEDIA ]] || make_media
	nets_spawn "$machine" "publish-$machine" ffmpeg -nostdin -v warning -re \
	    -stream_loop -1 -i "$MEDIA" -c copy "$@" -flvflags no_duration_filesize -f flv "$url"
}

# nets_play MACHINE URL FILE [OPTIONS]: framemd5 into FILE.  Sets `spawned`
nets_play() {
	local machine=$1 url=$2 file=$3
	shift 3
	nets_spawn "$machine" "play-$(basename "$file")" ffmpeg -nostdin -v warning -y \
	    -rw_timeout 90000000 -i "$url" -c copy "$@" -f framemd5 "$file"
	NETS_PLAYERS+=("$spawned")
}

# nets_stop_players: those of nets_play write what they have, and end
nets_stop_players() {
	local pid
	for pid in "${NETS_PLAYERS[@]}"; do
		kill -INT "$pid" 2>/dev/null
	done
	for pid in "${NETS_PLAYERS[@]}"; do
		await "$pid" 15
	done
	NETS_PLAYERS=()
}

# edge_hop [STREAM]: the hop that the chosen edge gets it from now
edge_hop() {
	ctl edge list -j | jq -r --arg s "${1:-demo}" '.[] | select(.stream == $s) | .route // .hop'
}

# comes_from HOP [STREAM]
comes_from() {
	[[ $(edge_hop "${2:-demo}") == "$1" ]] &&
	    ctl edge list -j | is_true --arg s "${2:-demo}" '[.[] | select(.stream == $s) | .state == "live"] | all and length == 1'
}

# recorded FILE: frames, whether times go back, packets twice, the largest gap of
# video in ms, as words: frames=N back=N twice=N gap=N from=MS to=MS
recorded() {
	grep -v '^#' "$1" | awk -F'[, ]+' '
	{ s = $1; d = $2; k = s " " d " " $5 " " $6
	  if (s in last && d <= last[s]) back++
	  if (k in seen) twice++
	  seen[k] = 1
	  if (s == 0) { n++; if (n == 1) from = d; else if (d - last[s] > gap) gap = d - last[s]; to = d }
	  last[s] = d }
	END { printf "frames=%d back=%d twice=%d gap=%d from=%d to=%d\n", n, back, twice, gap, from, to }'
}
