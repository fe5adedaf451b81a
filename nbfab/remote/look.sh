# shellcheck shell=sh
# What there is on the host, each fact a line of JSON. Changes nothing.

known_places() { # an exec channel has a bare PATH: add where people without root put their programs
	for place in "$HOME/.local/bin" "$HOME/bin" "$HOME/.cargo/bin" /usr/local/bin /opt/homebrew/bin /snap/bin \
		"$HOME/miniforge3/bin" "$HOME/miniconda3/bin" "$HOME/mambaforge/bin" "$HOME/anaconda3/bin" /opt/conda/bin; do
		case ":$PATH:" in *":$place:"*) ;; *) PATH=$PATH:$place ;; esac
	done
}

# Functions set a variable where a process for `$(...)` would be paid for on every look.

find_base() { # sets base to the folder of all profiles
	case ${XDG_DATA_HOME-} in /*) base=$XDG_DATA_HOME/nbfab ;; *) base=$HOME/.local/share/nbfab ;; esac
}

make_absolute() { # path: sets path to it, with ~ and the home folder in front where it is relative
	# shellcheck disable=SC2088 # the tilde as it was typed
	case $1 in
	'' | '~') path=$HOME ;;
	"~/"*) path=$HOME/${1#??} ;;
	/*) path=$1 ;;
	*) path=$HOME/$1 ;;
	esac
}

look() { # profile kernel port directory python app here code_of_environment code_of_server
	known_places
	profile=$1 kernel=$2
	find_base
	folder=$base/$profile
	look_host
	fact folder "$folder"
	make_absolute "$4"
	look_directory "$path"
	look_files
	tell
	look_environments "$5" "$6" "$7" "$8"
	tell
	look_server "$profile" "$3" "$9"
	tell
}

look_host() {
	uid=
	if [ -r /proc/self/status ]; then
		# proc(5): the second is the effective one, which id(1) prints, at the price of a process.
		while read -r key _ value _; do case $key in Uid:) uid=$value && break ;; esac done </proc/self/status
	fi
	fact uid "${uid:-$(id -u)}"
	fact clock "$(date +%s)"
	tmux=
	if command -v tmux >/dev/null 2>&1; then tmux=yes; else look_system; fi
	fact tmux "$tmux"
	look_names
}

look_names() {
	name=
	if [ -r /proc/sys/kernel/hostname ]; then read -r name </proc/sys/kernel/hostname; fi
	fact names "${name:-$(hostname 2>/dev/null || uname -n)} $(hostname -f 2>/dev/null)"
	if command -v ip >/dev/null 2>&1; then
		fact addresses "$(ip addr show scope global 2>/dev/null)"
	elif command -v ifconfig >/dev/null 2>&1; then
		fact addresses "$(ifconfig 2>/dev/null)"
	else
		fact names "$(hostname -I 2>/dev/null)"
	fi
}

look_system() { # for the command that installs what is missing
	fact system "$(
		uname -s
		sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' /etc/os-release 2>/dev/null | tr -d '"'
	)"
}

look_directory() { # path
	fact directory "$1"
	if [ ! -e "$1" ]; then
		fact directory_state 'does not exist'
	elif [ ! -d "$1" ]; then
		fact directory_state 'is not a folder'
	elif [ ! -x "$1" ] || [ ! -r "$1" ]; then
		fact directory_state 'cannot be read'
	else
		fact directory_state ok
	fi
}

look_files() {
	near=$folder
	while [ ! -e "$near" ] && [ "$near" != / ]; do near=$(dirname "$near"); done
	fact nearest "$near"
	if [ -w "$near" ]; then
		fact writable yes
	else
		fact writable no
		fact user "$(id -un 2>/dev/null || id -u)"
	fi
	if [ -L "$folder" ]; then
		fact folder_state link
	elif [ ! -e "$folder" ]; then
		fact folder_state absent
	elif [ ! -d "$folder" ] || ! cd "$folder" 2>/dev/null; then
		fact folder_state other
	else
		fact folder_state folder
		look_inside
	fi
}

look_inside() {
	# Everything that nbfab writes there; names without blanks, so that the listing can be read.
	fact listing "$(LC_ALL=C ls -lnd . nbserver.pem jupyter_server_config.json jupyter_server_config.py run.sh \
		templates templates/login.html ipython "ipython/profile_$profile" share share/jupyter share/jupyter/kernels \
		"share/jupyter/kernels/$kernel" runtime jupyter \
		"ipython/profile_$profile/ipython_kernel_config.py" "share/jupyter/kernels/$kernel/kernel.json" 2>/dev/null)"
	file_facts certificate nbserver.pem password_file jupyter_server_config.json config_file jupyter_server_config.py \
		login_file templates/login.html \
		run_file run.sh kernel_file "share/jupyter/kernels/$kernel/kernel.json" \
		ipython_file "ipython/profile_$profile/ipython_kernel_config.py" generation generation
}

public_key() { # PEM: of the key in it; nothing where nobody can tell, unreadable where it does not load
	if command -v openssl >/dev/null 2>&1; then
		openssl pkey -in "$1" -pubout -passin pass: 2>/dev/null || echo unreadable
	elif command -v python3 >/dev/null 2>&1; then
		python3 -c 'import ssl, sys; ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(sys.argv[1], password="")' \
			"$1" >/dev/null 2>&1 || echo unreadable
	fi
}

interpreter_of() { # script: the Python that its first line names
	line=$(head -n 1 "$1" 2>/dev/null | tr -d '\000')
	case $line in
	'#!'*python*) line=${line#??} ;;
	*) line=$(sed -n '2s/^.*exec.* "\{0,1\}\(\/[^"]*python[0-9.]*\)"\{0,1\} .*$/\1/p' "$1" 2>/dev/null) ;;
	esac
	line=${line# }
	if [ -x "$line" ]; then printf '%s' "$line"; else printf '%s' "$(dirname "$1")/python3"; fi
}

one_environment() { # source python code
	[ -x "$2" ] || return 1
	# In /, so that no file of the user's is taken for a module of Python's.
	found=$(cd / && exec "$2" -c "$3" "$1" 2>/dev/null </dev/null) || return 1
	printf '{"environment":%s}\n' "$found"
}

remembered() { # what was asked for: whether standard input holds its answer, and all files that it rests on stand
	known='' part=''
	{ IFS= read -r asked && IFS= read -r found && [ "$asked" = "$1" ]; } || return 1
	while IFS= read -r part || [ -n "$part" ]; do # the last line has no end
		[ -e "$part" ] || return 1
		known=${known:-$part} # the first is the interpreter
	done
}

look_environments() { # python app here code
	# What was found the last time holds while everything that was found there still stands.
	if [ -f "$folder/environment" ] && remembered "$2 $1" <"$folder/environment"; then
		fact remembered yes
		printf '{"environment":%s}\n' "$found"
	elif [ -n "$1" ]; then
		make_absolute "$1"
		if [ -d "$path" ]; then path=$path/bin/python; fi
		asked=$path
		one_environment asked "$asked" "$4" || fact python_fails "$(
			if [ -x "$asked" ]; then (cd / && "$asked" -c "$4" asked 2>&1 </dev/null | tail -n 1); else echo "$asked is not there"; fi
		)"
	else
		look_everywhere "$3" "$4"
	fi
}

look_everywhere() { # here code
	look_system
	if [ -f "$base/.venv/complete" ]; then one_environment made "$base/.venv/bin/python" "$2"; fi
	login=$(/bin/sh -lc 'printf "\n%s\n" "$(command -v jupyter)"' 2>/dev/null </dev/null | tail -n 1)
	if [ ! -x "$login" ]; then login=$(command -v jupyter); fi
	if [ -x "$login" ]; then one_environment login "$(interpreter_of "$login")" "$2"; fi
	if [ -n "$1" ]; then one_environment here "$1" "$2"; fi
	fact uv "$(command -v uv)"
	python3=$(command -v python3)
	fact python3 "$python3"
	if [ -n "$python3" ]; then
		fact venv "$("$python3" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>&1 </dev/null | tail -n 1)"
	fi
}

look_server() { # profile port code
	session_pids=
	if [ -n "$tmux" ]; then
		for entry in $(tmux -L nbfab list-panes -a -F '#{session_name}=#{pane_pid}' 2>/dev/null </dev/null); do
			if [ "${entry%=*}" = "$1" ]; then session_pids="$session_pids ${entry#*=}"; fi
		done
	fi
	fact session_pids "$session_pids"
	runner='' pid='' start='' digest='' since='' answer=''
	if [ -f "$folder/started" ]; then read -r runner pid start digest since <"$folder/started"; fi
	fact started "$runner $pid $start $digest $since"
	if [ -n "$pid" ] && [ "$(process_start "$pid")" = "$start" ]; then
		fact alive yes
		ask_server "$3"
	fi
	case $answer in *"\"port\": $2,"*) ;; *) look_port "$2" ;; esac
	case $answer in *'"ready": true'*) return ;; esac # so its key fits, and its log need not tell why
	if [ -f "$folder/nbserver.pem" ]; then fact key_public "$(public_key "$folder/nbserver.pem")"; fi
	if [ -f "$folder/server.log" ]; then fact log "$(tail -n 15 "$folder/server.log")"; fi
}

ask_server() { # code: what the running server says of itself
	if [ -z "${known-}" ] && [ -f "$folder/environment" ]; then
		{ read -r _ && read -r _ && read -r known; } <"$folder/environment" || :
	fi
	for python in "${known-}" python3; do
		if command -v "$python" >/dev/null 2>&1; then
			answer=$(cd / && exec "$python" -c "$1" "$folder" "$pid" 0 2>/dev/null </dev/null) &&
				printf '{"server":%s}\n' "$answer" && return
		fi
	done
}

look_port() { # port: who listens there
	if [ -r /proc/net/tcp ]; then
		# proc(5): state 0A is LISTEN, the port is hexadecimal, field 8 the user, field 10 the inode.
		entry=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
			awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $8, $10; exit }')
		[ -n "$entry" ] || return 0
		fact port_holder "$(process_with_socket "${entry#* }") of user $(id -nu "${entry% *}" 2>/dev/null || echo "${entry% *}")"
	elif command -v lsof >/dev/null 2>&1; then
		fact port_holder "$(lsof -nP -iTCP:"$1" -sTCP:LISTEN 2>/dev/null | awk 'NR == 2 { print "process", $2, "(" $1 ") of user", $3 }')"
	fi
}

process_with_socket() { # inode
	for process in /proc/[0-9]*; do
		# shellcheck disable=SC2010,SC2012 # the targets of links in /proc are what is looked for
		if ls -l "$process/fd" 2>/dev/null | grep -qF "socket:[$1]"; then
			# Not the arguments: another program's may hold a secret.
			printf 'process %s (%s)' "${process#/proc/}" "$(cat "$process/comm")"
			return
		fi
	done
	printf 'a process'
}
