# shellcheck shell=sh
# nbfab's tmux: one server and one socket for each profile.

# The socket is `tmux` in the profile's folder; where that is too long a path, the file `socket` there names another one.
# Not in /tmp, where the folder that tmux wants may be another user's, nor in /run/user, which logind removes.
# Uses folder. Sets socket.
find_socket() {
	socket=$folder/tmux
	if [ -S "$socket" ] || [ ! -f "$folder/socket" ]; then return; fi
	read -r socket <"$folder/socket"
	if ! is_private "${socket%/*}"; then socket=; fi
}

# Succeeds if only this user may enter a folder: a socket that another user made could make a client run anything.
is_private() { # folder
	# shellcheck disable=SC2046,SC2012 # the fields of a line: mode, links, owner
	set -- $(LC_ALL=C ls -ldn "$1" 2>/dev/null)
	case ${1-} in drwx------*) [ "${3-}" = "$(id -u)" ] ;; *) return 1 ;; esac
}

# The processes of the profile's session, and the socket of its tmux; none if an earlier release has started the server,
# on a socket in /tmp. Uses socket, panes.
look_tmux() { # the process that the server was started in
	if ! command -v tmux >/dev/null 2>&1; then return; fi
	find_socket
	list_panes -S "$socket"
	if [ -z "$panes" ] && [ -n "$1" ]; then
		list_panes -L nbfab
		case " $panes " in *" $1 "*) socket= ;; *) panes= ;; esac
	fi
	fact server.session_pids "$panes"
	fact server.socket "$socket"
}

# Uses profile. Sets panes.
list_panes() { # option of tmux, its value
	panes=
	if [ -z "$2" ] || [ "$1" = -S ] && [ ! -S "$2" ]; then return; fi
	for pane in $(tmux "$1" "$2" list-panes -a -F '#{session_name}=#{pane_pid}' 2>/dev/null </dev/null); do
		if [ "${pane%=*}" = "$profile" ]; then panes="$panes ${pane#*=}"; fi
	done
}
