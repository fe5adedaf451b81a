# shellcheck shell=sh
# What runs the server: a tmux session, with the environment of a login.

# Writes the environment that the server is to have to `environ`: that of a login, unless it did not start with that.
# Uses folder, python, login_probe. Sets way.
take_environment() { # why it did not, if so
	way=$(cd / && "$python" -BI -c "$login_probe" "$folder/environ" ${1:+"$1"} 2>/dev/null </dev/null) || {
		rm -f environ
		way='none it could not be asked'
	}
	put "$way$newline" >login.new.$$ && mv -f login.new.$$ login
}

# Uses profile, mask, keeper, socket.
start_tmux() {
	# tmux runs what it is given by SHELL, whose startup file may do anything at that point, in the current folder; no
	# tmux.conf of the user's, no descriptor of ours, and the user's own umask. The status line says how to leave, which
	# those do not know who came by `attach`.
	# shellcheck disable=SC2086 # the words of a command, or none
	(umask "${mask:-077}" && unset TMUX TMUX_PANE && SHELL=/bin/sh && export SHELL &&
		exec $keeper tmux -S "$socket" -f /dev/null new-session -d -s "$profile" 'exec /bin/sh run.sh' \; \
			set-option -g status-right ' Control-B, then D, leaves ') \
		</dev/null >tmux.out 2>&1 3>&-
}

# Runs a command in a session of its own of the profile's tmux. Uses keeper, socket.
in_session() { # name, command
	# shellcheck disable=SC2086 # the words of a command, or none
	(unset TMUX TMUX_PANE && SHELL=/bin/sh && export SHELL &&
		exec $keeper tmux -S "$socket" -f /dev/null new-session -d -s "$1" "$2") </dev/null 2>&1 3>&-
}

# Settles where tmux has its socket: in the profile's folder, if its path is not too long for that (unix(7)) and its file
# system can; or else in a folder of its own, which is recorded. Uses folder. Sets socket.
place_socket() { # elsewhere, or nothing
	socket=$folder/tmux
	if [ -z "${1-}" ] && [ "$(put "$socket" | wc -c)" -le 107 ]; then
		rm -f socket
		return
	fi
	if [ -z "${1-}" ]; then
		find_socket
		if [ -n "$socket" ] && [ "$socket" != "$folder/tmux" ]; then return; fi
	fi
	socket=$(mktemp -d /var/tmp/nbfab.XXXXXX 2>>tmux.out)/tmux
	if [ "$socket" = /tmux ]; then return 1; fi
	rm -f tmux
	put "$socket$newline" >socket.new.$$ && mv -f socket.new.$$ socket
}

# Succeeds if the profile has its session. Uses panes, socket.
has_session() {
	find_socket
	list_panes -S "$socket"
	[ -n "$panes" ]
}
