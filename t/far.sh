# t/far.sh - for scripts that are about where a client is; after lib.sh, rtmp.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are for the scripts, of lib.sh

NETNS=''

# make_far: a network namespace, connected with a pair of interfaces; removed at
# the end.  Sets NEAR (our address in it), FAR (its own), FAR_NET.  Skips the
# test when that is not possible.
make_far() {
	local tag=$((RANDOM % 250 + 1)).$((RANDOM % 60 * 4))
	need ip
	NETNS=slt$$
	NEAR=198.18.${tag%.*}.$((${tag#*.} + 1))
	FAR=198.18.${tag%.*}.$((${tag#*.} + 2))
	FAR_NET=198.18.${tag%.*}.${tag#*.}/30
	ip netns add "$NETNS" 2>/dev/null || {
		NETNS=''
		skip "network namespaces need root"
	}
	trap 'far_end' EXIT
	ip link add "${NETNS}a" type veth peer name "${NETNS}b" netns "$NETNS" &&
	    ip addr add "$NEAR/30" dev "${NETNS}a" &&
	    ip link set "${NETNS}a" up &&
	    ip -n "$NETNS" addr add "$FAR/30" dev "${NETNS}b" &&
	    ip -n "$NETNS" link set "${NETNS}b" up &&
	    ip -n "$NETNS" link set lo up || skip "no pair of interfaces"
}

far_end() {
	local status=$?
	ip link del "${NETNS}a" 2>/dev/null
	ip netns del "$NETNS" 2>/dev/null
	(exit "$status")
	cleanup
}

# far_probe NAME: as probe, from the namespace
far_probe() {
	timeout 60 ip netns exec "$NETNS" "$PROBE" "$NEAR" "$PORT" \
	    >"$TMP/$1.json" 2>"$TMP/$1.out" ||
	    fail "probe $1: $(tail -n 1 "$TMP/$1.out"), last: $(tail -n 3 "$TMP/$1.json")"
}

# far_from ADDRESS: probes come from there (of 127.0.0.0/8); empty: from anywhere
far_from() {
	export PROBE_FROM=$1
}

# ask JSON: one request at the control socket of the chosen server
ask() {
	perl -MSocket -e '
		socket(my $s, PF_UNIX, SOCK_SEQPACKET, 0) or die "socket: $!\n";
		connect($s, pack_sockaddr_un($ARGV[0])) or die "connect: $!\n";
		send($s, $ARGV[1], 0) or die "send: $!\n";
		alarm 20;
		recv($s, my $answer, 65536, 0) // die "recv: $!\n";
		print "$answer\n";' "$RUN/control.sock" "$1"
}
