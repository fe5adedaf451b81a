# shellcheck shell=sh
# The server that was started last: its process, its tmux session, its answer.

# Uses profile, folder, certificate, ready.
look_server() {
	pids=
	if command -v tmux >/dev/null 2>&1; then
		for pane in $(tmux -L nbfab list-panes -a -F '#{session_name}=#{pane_pid}' 2>/dev/null </dev/null); do
			if [ "${pane%=*}" = "$profile" ]; then pids="$pids ${pane#*=}"; fi
		done
	fi
	fact server.session_pids "$pids"
	started='' pid='' start='' ready=''
	if [ -f "$folder/started" ]; then
		read -r started <"$folder/started"
		fact server.started "$started"
		read -r _ pid start _ <"$folder/started"
	fi
	if [ -n "$pid" ] && [ "$(process_start "$pid")" = "$start" ]; then
		fact server.alive yes
		ask_server "$pid"
	fi
	if [ "$ready" != here ]; then look_port; fi
	if [ -n "$ready" ]; then return; fi # so its key matches, and its log is of no interest
	if [ -f "$folder/$certificate" ]; then look_key "$folder/$certificate"; fi
	if [ -f "$folder/server.log" ]; then fact server.log "$(tail -c 20000 "$folder/server.log" | tail -n 15)"; fi
}

# The running server's answer. Sets ready to `here` if it serves on the port that is wanted, to `elsewhere` if on
# another. Uses folder, certificate, port, server_probe, interpreter.
ask_server() { # pid
	if [ -z "${interpreter-}" ] && [ -f "$folder/environment" ]; then
		{ read -r _ && read -r _ && read -r interpreter; } <"$folder/environment" || :
	fi
	for candidate in "${interpreter-}" python3; do
		if ! command -v "$candidate" >/dev/null 2>&1; then continue; fi
		answer=$("$candidate" -c "$server_probe" "$folder" "$1" "$certificate" 0 "$port" 2>/dev/null </dev/null)
		case $? in
		0) ready=here ;;
		10) ready=elsewhere ;;
		11) ready= ;;
		*) continue ;;
		esac
		put "{\"server.answer\":$answer}$newline"
		return
	done
}
