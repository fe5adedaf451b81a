# shellcheck shell=sh
# The ports of a cluster's hosts, as they are reached from this one.

# Prints which are closed, and which workers the scheduler has. Uses folder, cluster_python, pairs_probe, escaped.
try_pairs() { # seconds, targets, what is expected, port of the dashboard
	if answer=$(cd / && "$cluster_python" -Bc "$pairs_probe" "$folder" "$@" 2>/dev/null </dev/null); then
		put "$answer$newline"
	else
		escape "$(cd / && "$cluster_python" -Bc "$pairs_probe" "$folder" 0 '[]' '' '' 2>&1 </dev/null | tail -n 1)"
		put "{\"broke\":\"$escaped\"}$newline"
	fi
}
