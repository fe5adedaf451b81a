# shellcheck shell=sh
# What ended runs and servers have left in the profile's folder.

# Uses folder, alive.
look_stale() {
	fact stale.orphans "$(list_orphans)"
	for file in "$folder"/runtime/jpserver-*.json "$folder"/runtime/nbserver-*.json; do
		server=${file##*server-}
		server=${server%.json}
		case $server in '' | *[!0-9]*) continue ;; esac
		if [ -f "$file" ] && [ -z "$(process_start "$server")" ]; then fact stale.files "$file"; fi
	done
	for file in "$folder"/*.new.*; do
		writer=${file##*.new.}
		case $writer in '' | *[!0-9]*) continue ;; esac
		if [ -f "$file" ] && [ -z "$(process_start "$writer")" ]; then fact stale.files "$file"; fi
	done
	if [ ! -d "$folder/lock" ]; then
		# A start that was cut has left it, with what may be secrets.
		if [ -f "$folder/environ" ]; then fact stale.files "$folder/environ"; fi
		# With this one, a server that crashes is not started again.
		if [ -n "$alive" ] && [ -f "$folder/stopping" ]; then fact stale.files "$folder/stopping"; fi
	fi
	if [ -d "$folder/lock" ]; then
		holder='' began=''
		if [ -f "$folder/lock/holder" ]; then read -r holder began <"$folder/lock/holder"; fi
		if [ -n "$holder" ] && [ "$(process_start "$holder")" != "$began" ]; then fact stale.lock "$folder/lock"; fi
	fi
	if command -v tmux >/dev/null 2>&1; then fact stale.tmux "$(tmux -V 2>&1 </dev/null | tail -n 1)"; fi
}
