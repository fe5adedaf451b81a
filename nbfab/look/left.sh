# shellcheck shell=sh
# What there is to remove. Only the task that removes it looks for that.

# Prints it, after `look`. Uses records, made.
look_left() {
	fact left.entries "$(list_profile | head -n 1000)"
	for kept in $records; do fact left.sockets "$(list_private "$kept" | head -n 100)"; done
	look_panes
	fact left.orphans "$(list_orphans)"
	look_beside
	look_above
	case $made in *'linger '*)
		user=$(id -un)
		if lingers "$user"; then fact left.lingers "$user"; fi
		;;
	esac
	fact left.traces "$(cd "$HOME" && list_traces | head -n 1000)"
	fact left.others "$(cd "$HOME" && list_existing)"
	fact left.later "$(cd "$HOME" && list_later | head -n 1000)"
	look_runs
	print_facts
}

# When servers of earlier releases ran, as far as that is recorded. Uses folder.
look_runs() {
	if [ -f "$folder/ran" ] && [ ! -L "$folder/ran" ]; then
		fact left.runs "$(grep '^earlier ' "$folder/ran" | tail -n 100)"
	fi
	fact left.logged "$(date -r "$folder/server.log" +%s 2>/dev/null)"
}

# Lists what is in the profile's folder and in those places in it, as `list_types` does. Of trees nothing more is told, and
# no link is followed. Uses folder, places, trees.
list_profile() {
	if [ -L "$folder" ] || ! cd "$folder" 2>/dev/null; then return; fi
	set -f # these are patterns for find
	set --
	for tree in $trees; do set -- "$@" -o -path "./$tree"; done
	set +f
	shift
	list_in .
	for place in $places; do
		if [ -L "$place" ] || [ ! -d "$place" ]; then continue; fi
		find "./$place" \( "$@" \) -prune -print -o -print 2>/dev/null | list_types
	done
}

# Lists those of the places in the current folder that exist. Uses traces.
list_existing() {
	for trace in $traces; do
		if [ -e "$trace" ]; then put "$trace$newline"; fi
	done
}

# Lists what is in a folder, as `list_types` does.
list_in() { # folder
	find "$1" ! -path "$1" -prune -print 2>/dev/null | list_types
}

# Prints the paths on standard input, each after a letter: d for a folder, l for a link, f for any other file. Of a name
# with line breaks in it, only the first line stands for a file.
list_types() {
	while IFS= read -r entry; do
		case $entry in ./* | /*) ;; *) continue ;; esac
		if [ -L "$entry" ]; then
			put "l $entry$newline"
		elif [ -d "$entry" ]; then
			put "d $entry$newline"
		else
			put "f $entry$newline"
		fi
	done
}

# Lists the folder that a socket has of its own, as a file of the profile's records it, and what is in it. Uses folder.
list_private() { # file
	if [ -L "$folder/$1" ] || [ ! -f "$folder/$1" ]; then return; fi
	read -r path <"$folder/$1"
	if ! is_private "${path%/*}"; then return; fi
	put "d ${path%/*}$newline"
	list_in "${path%/*}"
}

# The processes of all windows of the profile's own tmux, and those of them that are a relay. Uses socket.
look_panes() {
	if [ ! -S "${socket-}" ]; then return; fi
	for pane in $(tmux -S "$socket" list-panes -a -F '#{session_name}=#{pane_pid}' 2>/dev/null </dev/null); do
		case $pane in
		relay/*) fact left.relays "${pane##*=}" ;;
		cluster/*) ;; # they are looked for by themselves
		*) fact left.panes "${pane##*=}" ;;
		esac
	done
}

# Lists kernels that have outlived their server, by the file that each is started with: a pid and its start on a line.
# Those of a server that runs end with it. Uses folder, alive.
list_orphans() {
	if [ -n "$alive" ]; then return; fi
	list_processes | while read -r pid arguments; do
		case $arguments in
		*"$folder/runtime/kernel-"*) if kill -0 "$pid" 2>/dev/null; then put "$pid $(process_start "$pid")$newline"; fi ;;
		esac
	done
}

# Lists all processes: the pid and the arguments of each.
list_processes() {
	if LC_ALL=C ps -A -ww -o pid= -o args= 2>/dev/null; then return; fi
	for entry in /proc/[0-9]*; do # busybox, or no ps at all
		put "${entry#/proc/} $(tr '\000' ' ' 2>/dev/null <"$entry/cmdline")$newline"
	done
}

# What is beside the profile: other profiles, which of them use the environment that nbfab made, and what is in that.
# Uses base, profile. Sets made.
look_beside() {
	made=''
	if [ ! -d "$base" ]; then return; fi
	if [ -L "$base" ]; then fact left.base_is_link yes; fi
	beside='' profiles='' users=''
	for other in "$base"/* "$base"/.[!.]*; do
		name=${other##*/}
		if [ "$name" = "$profile" ] || { [ ! -e "$other" ] && [ ! -L "$other" ]; }; then
			continue
		elif is_profile "$other"; then
			profiles="$profiles $name"
			# A run at work there may be about to use it.
			if [ -e "$other/lock" ] || grep -qsF "$base/.venv/" "$other/environment" "$other/run.sh" "$other/choices"; then
				users="$users $name"
			fi
		else
			beside=$beside./$name$newline
		fi
	done
	fact left.beside "$(cd "$base" && put "$beside" | list_types)"
	fact left.profiles "$profiles"
	fact left.users "$users"
	fact left.environment "$(if [ ! -L "$base/.venv" ] && cd "$base/.venv" 2>/dev/null; then list_in .; fi)"
	if [ -f "$base/.made" ] && [ ! -L "$base/.made" ]; then
		made=$(tail -c 20000 "$base/.made")
		fact left.made "$made"
	fi
}

# Succeeds if a folder beside the profile's is one of another profile.
is_profile() { # folder
	case ${1##*/} in .* | *[!A-Za-z0-9_-]*) return 1 ;; esac
	[ ! -L "$1" ] && { [ -e "$1/generation" ] || [ -e "$1/lock" ] || [ -e "$1/run.sh" ]; }
}

# The folders above that hold nothing but the one below, the nearest first. Uses base.
look_above() {
	above=${base%/*} below=$base alone=''
	while [ -n "$above" ] && [ "$above" != "$HOME" ] && holds_only "$above" "$below"; do
		alone=$alone$above$newline below=$above above=${above%/*}
	done
	fact left.alone "$alone"
}

# Succeeds if there is nothing but that path in a folder, which need not exist.
holds_only() { # folder path
	for path in "$1"/* "$1"/.[!.]* "$1"/..?*; do
		if [ "$path" != "$2" ] && { [ -e "$path" ] || [ -L "$path" ]; }; then return 1; fi
	done
	[ ! -L "$1" ]
}

# Lists what servers of earlier releases may have left in the home folder, which is the current one: exactly that, each
# file after the time of its last change. Whether a server ran then is decided later.
list_traces() {
	set -- -exec stat -c '%Y %n' {} +
	find .cache/matplotlib -type f -name 'fontlist-v[0-9]*.json' "$@" 2>/dev/null
	find .cache/jedi -type f \( -name '*.pkl' -o -name PARSO-CACHE-LOCK \) "$@" 2>/dev/null
	find .npm/_logs -type f -name '*-debug-0.log' -exec grep -qF 'argv "prefix" "--global"' {} \; "$@" 2>/dev/null
}

# Lists the folders in the home folder, the current one, that the record has as not there at the first setup, and what
# is in them, as `list_types` does: of those at its top only what is directly in them. Uses made.
list_later() {
	put "$made$newline" | while read -r word place; do
		if [ "$word" != absent ] || [ -L "$place" ] || [ ! -d "$place" ]; then continue; fi
		case $place in
		/* | ../* | */../* | */.. | -*) ;;
		*/*) find "./$place" -print 2>/dev/null | list_types ;;
		*) put "d ./$place$newline" && list_in "./$place" ;;
		esac
	done
}
