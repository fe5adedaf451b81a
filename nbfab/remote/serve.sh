# shellcheck shell=sh
# The server in tmux: started through a file, stopped by the process that is proven ours.

start_server() { # profile python seconds code
	if [ -f server.log ]; then mv -f server.log server.log.1; fi
	rm -f started tmux.out server.log # where a link was planted, nothing is written through it
	: >server.log
	# The current folder is the profile's, so that no path has to be quoted for whatever login shell tmux runs;
	# no configuration of the user's for tmux, no descriptor of ours, and the user's own umask.
	outlive
	# shellcheck disable=SC2086 # the words of a command, or none
	(umask "${mask:-077}" && unset TMUX TMUX_PANE &&
		exec $keeper tmux -L nbfab -f /dev/null new-session -d -s "$1" 'exec /bin/sh run.sh') \
		</dev/null >tmux.out 2>&1 3>&- || {
		cat tmux.out >&2
		return 1
	}
	wait_ready "$2" "$3" "$4"
}

# logind.conf(5), KillUserProcesses: where logind ends what a user leaves behind, tmux has to run in a scope of the user's
# own manager, and that has to linger (loginctl(1)); of root nothing is ended.
outlive() { # sets keeper to the words that tmux has to be started with; says it where nothing helps
	keeper=
	user=$(id -un)
	case $(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 \
		org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null </dev/null) in
	*true) if [ "$(id -u)" = 0 ]; then return; fi ;;
	*) return ;;
	esac
	if [ "$(loginctl show-user "$user" -p Linger --value 2>/dev/null </dev/null)" = yes ] ||
		loginctl --no-ask-password enable-linger >/dev/null 2>&1 </dev/null; then
		export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
		keeper='systemd-run --user --scope --quiet --'
	else
		echo "logind here ends the server when $user logs out (KillUserProcesses), unless an administrator runs: loginctl enable-linger $user"
	fi
}

wait_ready() { # python seconds code
	tries=0
	while [ ! -f started ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		nap
	done
	pid='' start=''
	if [ -f started ]; then read -r _ pid start _ <started; fi
	answer='{"ready": false, "reason": "it ended at once"}'
	here=$PWD
	if [ -n "$pid" ]; then answer=$(cd / && "$1" -c "$3" "$here" "$pid" "$2" 2>&1 </dev/null); fi
	case $answer in *'"ready": true'*) return 0 ;; esac
	answer=${answer#*\"reason\": \"}
	echo "the server did not get ready: ${answer%\"*}" >&2
	tail -n 15 server.log >&2
	# What does not answer must not stay: it may listen with another certificate than the one that is believed.
	if [ -n "$pid" ] && [ "$(process_start "$pid")" = "$start" ]; then kill -TERM "$pid"; fi
	return 1
}

children_of() { # pid
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent="$1" '{ pid = $1; sub(/.*\) /, ""); if ($2 == parent) print pid }'
}

ended() { # pid start tenths: waits until that process has ended
	tries=0
	while [ -n "$2" ] && [ "$(process_start "$1")" = "$2" ]; do
		if [ $tries -ge "$3" ]; then return 1; fi
		tries=$((tries + 1))
		nap
	done
}

stop_server() { # pid start
	kernels=$(for child in $(children_of "$1"); do echo "$child $(process_start "$child")"; done)
	if [ "$(process_start "$1")" = "$2" ]; then
		kill -TERM "$1" || return 1
		ended "$1" "$2" 200 || {
			echo "process $1 did not end within 20 seconds; its log says:" >&2
			tail -n 5 server.log >&2
			return 1
		}
	fi
	echo "$kernels" | while read -r child began; do
		ended "$child" "$began" 50 || {
			echo "process $child, a kernel's, has outlived the server" >&2
			exit 1
		}
	done || return 1
	# The shell around it ends a moment later, and with it the tmux session.
	read -r runner _ 2>/dev/null <started || runner=''
	began=$(process_start "$runner")
	if ! ended "$runner" "$began" 50; then
		# What a kernel has left behind holds the log open, and the shell waits for that.
		kill -TERM "$runner"
		ended "$runner" "$began" 50 || {
			echo "the server has ended, but the shell around it, process $runner, has not" >&2
			return 1
		}
	fi
	rm -f started runtime/*-"$1".json runtime/*-"$1"-open.html
}
