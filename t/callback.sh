# t/callback.sh - for the scripts of t/e2e about callbacks; after lib.sh.
# shellcheck shell=bash disable=SC2034 # variables are for the scripts

need python3 jq
REQUESTS=$TMP/requests.json # a line for each request that the receiver got

# start_receiver: sets HTTP, its address; see t/e2e/receiver.py for its paths
start_receiver() {
	: >"$REQUESTS"
	spawn receiver python3 "$top_srcdir/t/e2e/receiver.py" "$REQUESTS"
	RECEIVER=$spawned
	retry 10 test -s "$TMP/receiver.out" || fail "no receiver"
	HTTP=http://127.0.0.1:$(head -n 1 "$TMP/receiver.out")
}

# callbacks APP ELEMENTS: Application.xml of APP of the chosen server has them in Callbacks
callbacks() {
	mkdir -p "$CONF/applications/$1"
	echo "<Application>$APP_XML<Callbacks>$2</Callbacks></Application>" \
	    >"$CONF/applications/$1/Application.xml"
}

# requests FILTER: what the receiver got for which the jq filter is true, as one object
# each: the body's members, or fields of a form, and path
requests() {
	jq -c 'def form: split("&") | map(capture("^(?<k>[^=]*)=?(?<v>.*)$")) |
	    map({(.k): .v}) | add;
	    (.body | . as $b | try fromjson catch ($b | form)) + {path: .path} |
	    select('"$1"')' "$REQUESTS"
}

count_requests() {
	requests "$1" | wc -l
}

has_requests() { # FILTER COUNT
	[[ $(count_requests "$1") -ge $2 ]]
}
