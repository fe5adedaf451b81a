# shellcheck shell=sh
# What wheels have to fit that are to be installed on the host.

# Asks the Python that is named, or that of the environment that nbfab has made, or else the one that would make it;
# prints nothing if there is none. Uses base, base_python, target_probe, escaped.
look_target() {
	add_known_places
	find_base
	chosen=${base_python:-$base/.venv/bin/python} tool=$(command -v uv)
	if [ -z "$base_python" ] && [ ! -f "$base/.venv/complete" ]; then
		chosen=
		if [ -n "$tool" ]; then chosen=$(uv python find --system 2>/dev/null </dev/null); fi
		if [ -z "$chosen" ]; then chosen=$(command -v python3); fi
	fi
	if [ -z "$chosen" ]; then return; fi
	target=$("$chosen" -BIc "$target_probe" "$base" "$tool" "$base_python" 2>&1 </dev/null) || {
		escape "$target"
		put "{\"fails\":\"$escaped\"}$newline"
		return
	}
	put "{\"target\":${target##*"$newline"}}$newline"
}
