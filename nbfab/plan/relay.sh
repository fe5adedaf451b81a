# shellcheck shell=sh
# What tmux runs for the relay, in the profile's folder.

# Uses relay, python.
run_relay() {
	umask 077
	ulimit -f 2048 # blocks of its log
	printf '%s\n' "$$ $(process_start "$$")" >"$relay.started.new" && mv -f "$relay.started.new" "$relay.started" || exit 1
	exec "$python" -ISB -c 'import sys
sys.path.insert(0, sys.argv[1])
from nbfab_relay.serve import main
main(sys.argv[1])' "$PWD" >"$relay.log" 2>&1
}
