# t/net.sh - a second machine for the scripts: a network namespace with a cable
# to ours; read after lib.sh, before start_server.  Needs root.
#
#	net_make		sets NET (name), NET_HERE, NET_THERE (addresses)
#	net_there COMMAND...	run there
#	net_slow RATE LIMIT	what we send there goes no faster: tc-tbf(8)
#	net_cut, net_mend	the cable, without a word to anybody
# shellcheck shell=bash disable=SC2034
NET=''

net_make() {
	local n=$((RANDOM % 250))
	[[ $(id -u) == 0 ]] || skip "needs root, for a network namespace"
	need ip tc
	NET=sluice$$
	NET_HERE=10.203.$n.1
	NET_THERE=10.203.$n.2
	trap 'net_exit $?' EXIT
	ip netns add "$NET" 2>/dev/null || { NET=''; skip "no network namespaces here"; }
	net_cable || skip "no virtual cable here"
}

net_cable() {
	ip link add "sl$$" type veth peer name sl0 netns "$NET" &&
	    ip addr add "$NET_HERE/30" dev "sl$$" &&
	    ip link set "sl$$" up &&
	    ip -n "$NET" addr add "$NET_THERE/30" dev sl0 &&
	    ip -n "$NET" link set sl0 up &&
	    ip -n "$NET" link set lo up
}

net_exit() {
	local status=$1
	if [[ -n $NET ]]; then
		ip link del "sl$$" 2>/dev/null
		ip netns del "$NET" 2>/dev/null
	fi
	(exit "$status")
	cleanup
}

net_there() {
	ip netns exec "$NET" "$@"
}

net_slow() {
	tc qdisc add dev "sl$$" root tbf rate "$1" burst 16k limit "$2" ||
	    skip "no tbf here"
}

net_cut() {
	ip link set "sl$$" down || fail "the cable cannot be cut"
}

net_mend() {
	ip link set "sl$$" up || fail "the cable cannot be mended"
}
