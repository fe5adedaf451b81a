# shellcheck shell=sh
# The server in tmux: started through a file; stopped by its pid, once that is proven to be ours.

# Uses way.
start_server() {
	outlive
	take_environment
	if ! message=$(launch 2>&1); then
		message=${message:-it could not be started}
		case $way in
		none*) ;;
		*)
			say 'the server does not become ready with the environment of the login shell; once more without it'
			take_environment "${message%%"$newline"*}"
			if launch >/dev/null 2>&1; then message=; fi
			;;
		esac
		put "$message" >&2
	fi
	rm -f environ # it may hold secrets
	[ -z "$message" ]
}

# Starts the server once, and waits until it answers.
launch() {
	keep_earlier_run "$(date -r server.log +%s 2>/dev/null)"
	if [ -f server.log.1 ]; then mv -f server.log.1 server.log.2; fi
	if [ -f server.log ]; then mv -f server.log server.log.1; fi
	rm -f started stopping ended boot idled tmux.out server.log # if a link was planted, nothing is written through it
	: >server.log
	if ! { place_socket && start_tmux; } && { has_session || ! { place_socket elsewhere && start_tmux; }; }; then
		cat tmux.out >&2
		return 1
	fi
	wait_ready
}

# Keeps when the server ran that was started last, if that was by an earlier release, which left something in the home
# folder: `run.sh` keeps that of its own.
keep_earlier_run() { # when it ended
	if [ ! -f started ] || [ -f boot ] || [ -L ran ] || [ -z "$1" ]; then return; fi
	read -r _ _ _ _ since _ <started
	if [ -n "$since" ]; then printf '%s\n' "earlier $since $1" 2>/dev/null >>ran; fi
}

# Removes the folder that tmux has its socket in, if that is one of its own and no longer used. Uses folder, socket.
remove_socket() {
	find_socket
	if [ -S "$socket" ] && ! tmux -S "$socket" list-sessions >/dev/null 2>&1 </dev/null; then
		rm -f "$socket" 2>/dev/null
		if [ "$socket" != "$folder/tmux" ] && rm -f socket 2>/dev/null; then rmdir "${socket%/*}"; fi
	fi
}

# If logind ends what a user leaves running, tmux has to run in a scope of the user's own manager, and that has to linger
# (loginctl(1)). Prints what was done for that, or a warning if nothing helps.
# Uses user. Sets keeper to the command that tmux has to be started with.
outlive() {
	keeper=
	if ! ends_at_logout; then return; fi
	if ! lingers "$user"; then
		# Without its name, this takes a session.
		if ! loginctl --no-ask-password enable-linger "$user" >/dev/null 2>&1 </dev/null; then
			echo "logind here ends the server when $user logs out (KillUserProcesses), unless an administrator runs: loginctl enable-linger $user"
			return
		fi
		add_to_record "linger $user $(uname -n)$newline"
		echo "lingering was turned on for $user, so that the server outlives the login; remove offers to turn it off, or: loginctl disable-linger $user"
	fi
	case ${XDG_RUNTIME_DIR-} in /*) ;; *) XDG_RUNTIME_DIR=/run/user/$(id -u) ;; esac
	export XDG_RUNTIME_DIR
	# The user's manager may only be starting.
	tries=0
	while [ ! -S "$XDG_RUNTIME_DIR/systemd/private" ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		nap
	done
	keeper='systemd-run --user --scope --quiet --'
}

# Makes sure that the profile's tmux can run one more session. Uses socket.
find_tmux() {
	if ! command -v tmux >/dev/null 2>&1; then
		echo 'there is no tmux'
		return 1
	fi
	outlive
	find_socket
	if [ ! -S "$socket" ]; then place_socket || place_socket elsewhere || return 1; fi
}

# Uses folder, python, seconds, port, certificate, server_probe, profile, socket.
wait_ready() {
	waits=0
	while [ ! -f started ] && [ $waits -lt 100 ]; do
		waits=$((waits + 1))
		nap
	done
	pid='' start='' reason='it ended at once'
	if [ -f started ]; then read -r _ pid start _ <started; fi
	if [ -n "$pid" ]; then
		# The reason is on its standard error.
		reason=$(cd / && "$python" -Bc "$server_probe" "$folder" "$pid" "$certificate" "$seconds" "$port" 2>&1 >/dev/null </dev/null)
		case $? in 0 | 10) return 0 ;; esac
	fi
	put "the server did not become ready: $reason$newline" >&2
	last_words server.log 15 >&2
	keep_down
	# A server that does not answer must not stay: it may listen with a certificate other than the one that is trusted.
	if [ -n "$pid" ] && [ "$(process_start "$pid")" = "$start" ]; then kill -TERM "$pid"; fi
	ended "$pid" "$start" 50
	tmux -S "$socket" kill-session -t "$profile" >/dev/null 2>&1 </dev/null
	return 1
}

# Prints the children of a process.
children_of() { # pid
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent="$1" '{ pid = $1; sub(/.*\) /, ""); if ($2 == parent) print pid }'
}

# Waits until a process has ended; fails if it has not in time.
ended() { # pid start tenths_of_seconds
	tries=0
	while [ -n "$2" ] && [ "$(process_start "$1")" = "$2" ]; do
		if [ $tries -ge "$3" ]; then return 1; fi
		tries=$((tries + 1))
		nap
	done
}

# Asks a process to end; it may have ended by itself at this moment.
ask_to_end() { # pid start
	if ! reason=$(kill -TERM "$1" 2>&1) && [ "$(process_start "$1")" = "$2" ]; then
		put "$reason$newline" >&2
		return 1
	fi
}

# Ends a server and waits for its kernels, which end with it. Uses pid, start.
end_with_kernels() { # patience
	kernels=$(for child in $(children_of "$pid"); do echo "$child $(process_start "$child")"; done)
	if [ "$(process_start "$pid")" = "$start" ]; then
		ask_to_end "$pid" "$start" || return 1
		if ! ended "$pid" "$start" "${1}0"; then
			kill -KILL "$pid"
			ended "$pid" "$start" 50 || {
				echo "process $pid does not end" >&2
				return 1
			}
			echo "process $pid had not ended $1 seconds after it was told to, so it was killed"
		fi
	fi
	echo "$kernels" | while read -r child since; do
		ended "$child" "$since" 50 || {
			echo "process $child, a kernel, has outlived the server" >&2
			exit 1
		}
	done
}

# Has run.sh not start it again, also if it has just crashed. Where that cannot be written, no start can be noted either,
# without which run.sh starts none.
keep_down() {
	(: >stopping) 2>/dev/null || :
}

# Ends the profile's server, whose process is the one that started then. Uses pid.
stop_server() {
	keep_down
	# Jupyter removes a file as it ends, and where it cannot, it hangs.
	if [ -w runtime ]; then patience=20; else patience=5; fi
	if ! end_with_kernels "$patience"; then
		echo "its log ends:" >&2
		last_words server.log 5 >&2
		return 1
	fi
	# The shell around it ends a moment later, and with it the tmux session.
	read -r runner _ 2>/dev/null <started || runner=''
	began=$(process_start "$runner")
	if ! ended "$runner" "$began" 50; then
		# Something a kernel left behind holds the log open, and the shell waits for that.
		ask_to_end "$runner" "$began"
		ended "$runner" "$began" 50 || {
			echo "the server has ended, but the shell around it, process $runner, has not" >&2
			return 1
		}
	fi
	keep_earlier_run "$(date +%s)"
	# If that is not possible, the note of a process that is gone is none of a server that runs.
	rm -f started stopping ended boot idled login runtime/*-"$pid".json runtime/*-"$pid"-open.html 2>/dev/null || :
	remove_ipc
	remove_socket
}

# Has the running server close every connection that it has. Uses folder, python, pid, certificate, port, server_probe.
end_sessions() {
	# The reason is on its standard error.
	reason=$(cd / && "$python" -I -S -B -c "$server_probe" "$folder" "$pid" "$certificate" 5 "$port" end 2>&1 >/dev/null </dev/null)
	case $? in 0 | 10) return 0 ;; esac
	put "$reason$newline" >&2
	return 1
}

# Has the running server interrupt a kernel, or shut it down.
# Uses folder, python, pid, certificate, port, does, kernel, server_probe.
do_with_kernel() {
	# The reason is on its standard error.
	reason=$(cd / && "$python" -I -S -B -c "$server_probe" "$folder" "$pid" "$certificate" 0 "$port" "$does" "$kernel" \
		2>&1 >/dev/null </dev/null)
	case $? in 0 | 10) return 0 ;; esac
	put "$reason$newline" >&2
	return 1
}

# Removes the folder that the kernels had their sockets in, if that is one of its own: they have ended.
remove_ipc() {
	if [ -f ipc ] && read -r place <ipc && is_private "$place"; then
		rm -f "$place"/kernel-*-ipc-* ipc
		rmdir "$place"
	fi
}
