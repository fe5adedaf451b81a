# shellcheck shell=sh
# The server that was started last: its process, its tmux session, its answer.

# Uses folder, certificate, ready, session. Sets alive.
look_server() {
	started='' runner='' pid='' start='' ready='' alive=''
	if [ -f "$folder/started" ]; then
		read -r started <"$folder/started"
		fact server.started "$started"
		read -r runner pid start _ <"$folder/started"
	fi
	if [ -f "$folder/ended" ] && read -r ended <"$folder/ended"; then fact server.ended "$ended"; fi
	look_tmux "$runner"
	session_of "$pid" # before it is known to live: of one that ends in between, nothing can be read any more
	if [ -n "$pid" ] && [ "$(process_start "$pid")" = "$start" ]; then
		alive=yes
		fact server.alive yes
		if [ -f "$folder/login" ] && read -r login <"$folder/login"; then fact server.login "$login"; fi
		ask_server "$pid"
	fi
	if [ -z "$alive" ] && [ -f "$folder/boot" ] && read -r boot <"$folder/boot"; then
		fact server.boots "$boot $(boot_mark)"
		fact server.booted "$(boot_time)"
	fi
	look_session "$alive" "$session"
	if [ "$ready" != here ]; then look_port; fi
	if [ -n "$ready" ]; then return; fi # so its key matches, and its log is of no interest
	if [ -f "$folder/$certificate" ]; then look_key "$folder/$certificate"; fi
	if [ -f "$folder/server.log" ]; then fact server.log "$(last_words "$folder/server.log" 15)"; fi
}

# The running server's answer. Sets ready to `here` if it serves on the port that is wanted, to `elsewhere` if on
# another. Without a program to ask it with, it is not asked. Uses folder, certificate, port, usage, server_probe,
# interpreter.
ask_server() { # pid
	if [ -z "$server_probe" ]; then
		ready=here
		return
	fi
	if [ -z "${interpreter-}" ] && [ -f "$folder/environment" ]; then
		{ read -r _ && read -r _ && read -r interpreter; } <"$folder/environment" || :
	fi
	for candidate in "${interpreter-}" python3; do
		if ! command -v "$candidate" >/dev/null 2>&1; then continue; fi
		answer=$("$candidate" -I -S -B -c "$server_probe" "$folder" "$1" "$certificate" 0 "$port" "$usage" 2>/dev/null </dev/null)
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

# Whether the server would end at the user's logout, or will, if it has just been started here: elsewhere it is none of
# this login's. Uses session, user.
look_session() { # alive, the session of the server's process
	session_of $$
	if [ -n "$1" ]; then
		fact server.session "$2"
		if [ -z "$2" ] || [ "$2" != "$session" ]; then return; fi
	fi
	if ends_at_logout && ! lingers "$user"; then fact server.ends_at_logout "$user"; fi
}
