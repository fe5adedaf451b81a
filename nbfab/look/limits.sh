# shellcheck shell=sh
# What limits the server's processes, and what ends them.

# Those of the server, if it runs. Uses pid, alive, user.
look_limits() {
	whose=self
	if [ -n "$alive" ] && [ -r "/proc/$pid/limits" ]; then whose=$pid; fi
	if [ -r "/proc/$whose/limits" ]; then fact limits.resources "$(cat "/proc/$whose/limits" 2>/dev/null)"; fi
	if ends_at_logout && ! lingers "$user"; then fact limits.killed "$user"; fi
}
