# The lines of bench/run as tables of markdown.
def med: sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;
def num: if . == null then "-" elif . >= 100 then round else (. * 100 | round) / 100 end;
def spread: map(select(. != null)) |
	if length == 0 then "-"
	elif length == 1 then "\(.[0] | num)"
	else "\(med | num) (\(min | num)-\(max | num))" end;
def faults: map(select(.r != null and .status == 1)) | length;
def row(f): "| " + (f | join(" | ")) + " |";
def order: {"sluice": 0, "nginx": 2, "floor": 3}[split("@")[0] | split("-")[0]] // 9;

def fan_out:
	row(["server", "CPU s/GB", "us/frame", "core", "video p50 ms", "all p50 ms", "all p99 ms",
	    "gaps+skips", "private KiB/player", "load core", "results"]),
	row([range(11) | "---"]),
	(group_by(.server) | sort_by(.[0].server | order)[] | . as $all |
	map(.r | select(. != null)) | row([
		$all[0].server,
		(map(.server.cpu_s_per_gb) | spread),
		(map(.server.cpu_us_per_frame) | spread),
		(map(.server.core) | spread),
		(map(.delay_video_ms.p50) | spread),
		(map(.delay_live_ms.p50) | spread),
		(map(.delay_live_ms.p99) | spread),
		(map(.gaps + .skips) | add // 0 | tostring),
		(map(.server.private_per_player_kb) | spread),
		(map(.load.core) | spread),
		"\(length) of \($all | length)" +
		    (if ($all | faults) > 0 then ", \($all | faults) with faults" else "" end)
	]));

def counts: # does the run count?
	(map(select(.server == "floor" and .r != null) | .r.server.cpu_s_per_gb) | med) as $f |
	(map(select(.server == "nginx" and .r != null) | .r.server.cpu_s_per_gb) | med) as $n |
	if $f == null or $n == null or $n == 0 then "floor/nginx is not known: **does not count**"
	else ($f / $n) as $q | "floor/nginx = \($q | num): " +
	    (if $q >= 0.75 and $q <= 0.87 then "counts" else "**does not count** (0.75-0.87)" end) end;

def growth:
	row(["server", "players at 1 Mbit/s", "limited by"]), row([range(3) | "---"]),
	(group_by(.server)[] | row([.[0].server, (map(.r.players.requested) | spread),
	    (map(.r.limit) | unique | join(", "))]));

def storm:
	row(["server", "connect p50/p99 ms", "first byte p50/p99", "first picture p50/p99",
	    "running: gaps+skips", "running: p99 ms", "results"]), row([range(7) | "---"]),
	(group_by(.server)[] | . as $all | map(.r | select(. != null)) |
	def pair(f): "\(map(f.p50) | spread) / \(map(f.p99) | spread)";
	row([$all[0].server, pair(.connect_ms), pair(.first_byte_ms), pair(.first_picture_ms),
	    (map(.running.gaps + .running.skips) | add // 0 | tostring),
	    (map(.running.delay_live_ms.p99) | spread), "\(length) of \($all | length)"]));

def idle:
	row(["server", "private KiB/player", "PSS KiB/player", "sockets KiB/player", "players"]),
	row([range(5) | "---"]),
	(group_by(.server)[] | . as $all | map(.r | select(. != null)) |
	row([$all[0].server, (map(.server.private_per_player_kb) | spread),
	    (map(.server.pss_per_player_kb) | spread),
	    (map(.server.sockets_per_player_kb) | spread),
	    (map(.players.connected) | spread)]));

def streams:
	row(["server", "streams", "arena KiB/stream", "private KiB/stream", "core", "faulty rounds"]),
	row([range(6) | "---"]),
	(group_by(.server)[] | . as $all | map(.r | select(. != null)) |
	row([$all[0].server, (map(.streams.published) | spread),
	    (map(.arena_bytes / 1024 / .streams.published) | spread),
	    (map((.server.pss_kb - .server.shm_kb) / .streams.published) | spread),
	    (map(.server.core) | spread), ($all | faults | tostring)]));

def workers:
	row(["workers", "players", "CPU s/GB", "core (all workers)", "video p50 ms", "all p99 ms", "gaps+skips",
	    "bytes, least/most", "load core", "results"]),
	row([range(10) | "---"]),
	(group_by(.server)[] | . as $all | map(.r | select(. != null)) |
	row([({"sluice": "1", "sluice-2s": "1 of each of 2 servers"}[$all[0].server] // "2"), (map(.players.connected) | spread),
	    (map(.server.cpu_s_per_gb) | spread), (map(.server.core) | spread),
	    (map(.delay_video_ms.p50) | spread), (map(.delay_live_ms.p99) | spread),
	    (map(.gaps + .skips) | add // 0 | tostring), (map(.smallest_share) | spread),
	    (map(.load.core) | spread), "\(length) of \($all | length)"]));

def plain:
	row(["server", "CPU s/GB", "core", "p99 ms (publishers: late)", "faulty rounds"]),
	row([range(5) | "---"]),
	(group_by(.server)[] | . as $all | map(.r | select(. != null)) |
	row([$all[0].server, (map(.server.cpu_s_per_gb) | spread), (map(.server.core) | spread),
	    (map((.delay_live_ms // .late_ms).p99) | spread), ($all | faults | tostring)]));

group_by(.case)[] | select(.[0].case | startswith("growth-") or . == "run" | not) |
.[0].case as $case |
"", "### \($case)", "",
(if $case == "growth" then growth
 elif $case == "storm" then storm
 elif $case == "idle" then idle
 elif $case == "streams" then streams
 elif $case == "workers" then workers
 elif $case == "churn" or $case == "publishers" then plain
 else fan_out end),
(if $case == "fat" or $case == "thin" then "", counts else empty end)
