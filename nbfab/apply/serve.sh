# shellcheck shell=sh
# The server in tmux: started through a file; stopped by its pid, once that is proven to be ours.

# Uses profile, mask, keeper.
start_server() {
	if [ -f server.log ]; then mv -f server.log server.log.1; fi
	rm -f started tmux.out server.log # if a link was planted, nothing is written through it
	: >server.log
	# The current folder is the profile's, so that no path has to be quoted for whatever login shell tmux runs;
	# no tmux.conf of the user's, no descriptor of ours, and the user's own umask.
	outlive
	# shellcheck disable=SC2086 # the words of a command, or none
	(umask "${mask:-077}" && unset TMUX TMUX_PANE &&
		exec $keeper tmux -L nbfab -f /dev/null new-session -d -s "$profile" 'exec /bin/sh run.sh') \
		</dev/null >tmux.out 2>&1 3>&- || {
		cat tmux.out >&2
		return 1
	}
	wait_ready
}

# logind.conf(5), KillUserProcesses: if logind kills what a user leaves behind, tmux has to run in a scope of the user's
# own manager, and that has to linger (loginctl(1)); root's processes are spared. Prints a warning if nothing helps.
# Sets keeper to the command that tmux has to be started with.
outlive() {
	keeper=
	user=$(id -un)
	case $(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 \
		org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null </dev/null) in
	*true) if [ "$(id -u)" = 0 ]; then return; fi ;;
	*) return ;;
	esac
	if [ "$(loginctl show-user "$user" -p Linger --value 2>/dev/null </dev/null)" = yes ] ||
		loginctl --no-ask-password enable-linger >/dev/null 2>&1 </dev/null; then
		case ${XDG_RUNTIME_DIR-} in /*) ;; *) XDG_RUNTIME_DIR=/run/user/$(id -u) ;; esac
		export XDG_RUNTIME_DIR
		keeper='systemd-run --user --scope --quiet --'
	else
		echo "logind here ends the server when $user logs out (KillUserProcesses), unless an administrator runs: loginctl enable-linger $user"
	fi
}

# Uses folder, python, seconds, port, certificate, server_probe.
wait_ready() {
	tries=0
	while [ ! -f started ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		nap
	done
	pid='' start='' reason='it ended at once'
	if [ -f started ]; then read -r _ pid start _ <started; fi
	if [ -n "$pid" ]; then
		# The reason is on its standard error.
		reason=$(cd / && "$python" -c "$server_probe" "$folder" "$pid" "$certificate" "$seconds" "$port" 2>&1 >/dev/null </dev/null)
		case $? in 0 | 10) return 0 ;; esac
	fi
	put "the server did not become ready: $reason$newline" >&2
	tail -c 20000 server.log | tail -n 15 >&2 # a line may be endless
	# A server that does not answer must not stay: it may listen with a certificate other than the one that is trusted.
	if [ -n "$pid" ] && [ "$(process_start "$pid")" = "$start" ]; then kill -TERM "$pid"; fi
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

# Uses pid, start.
stop_server() {
	kernels=$(for child in $(children_of "$pid"); do echo "$child $(process_start "$child")"; done)
	if [ "$(process_start "$pid")" = "$start" ]; then
		kill -TERM "$pid" || return 1
		# Jupyter removes a file as it ends, and where it cannot, it hangs.
		if [ -w runtime ]; then patience=20; else patience=5; fi
		if ! ended "$pid" "$start" "${patience}0"; then
			kill -KILL "$pid"
			ended "$pid" "$start" 50 || {
				echo "process $pid does not end; its log ends:" >&2
				tail -c 20000 server.log | tail -n 5 >&2
				return 1
			}
			echo "process $pid had not ended $patience seconds after it was told to, so it was killed"
		fi
	fi
	echo "$kernels" | while read -r child began; do
		ended "$child" "$began" 50 || {
			echo "process $child, a kernel, has outlived the server" >&2
			exit 1
		}
	done || return 1
	# The shell around it ends a moment later, and with it the tmux session.
	read -r runner _ 2>/dev/null <started || runner=''
	began=$(process_start "$runner")
	if ! ended "$runner" "$began" 50; then
		# Something a kernel left behind holds the log open, and the shell waits for that.
		kill -TERM "$runner"
		ended "$runner" "$began" 50 || {
			echo "the server has ended, but the shell around it, process $runner, has not" >&2
			return 1
		}
	fi
	# If that is not possible, the note of a process that is gone is none of a server that runs.
	rm -f started runtime/*-"$pid".json runtime/*-"$pid"-open.html 2>/dev/null || :
}
