# shellcheck shell=sh
# Removes what nbfab has put on the host. The lists of what goes are arguments: nothing here decides that.

# Enters the profile's folder to remove it, and makes sure that no other run is at work in it, as `prepare` does. It need
# not exist any more, after a run that was cut, and on a full disk it is removed without a lock.
# Uses profile, base. Sets folder, locked, run.
take_leave() {
	locked='' run=''
	add_known_places
	find_base
	folder=$base/$profile
	if [ -L "$folder" ]; then refuse "$folder is a symbolic link; nbfab does not remove what is behind it"; fi
	if [ ! -d "$folder" ]; then return; fi
	cd "$folder" || refuse "$folder cannot be entered"
	if message=$(mkdir lock 2>&1); then
		locked=yes
	elif [ -d lock ]; then
		break_lock lock "$message"
		locked=yes
	fi
	release_in_the_end
	check_generation
	{
		printf '%s\n' "$$ $(process_start "$$")" >lock/holder
		# Who has looked before has seen a state that is gone.
		if [ -f generation ]; then printf '%s\n' "$(date +%s).$$" >generation.new.$$; fi
		if [ -s generation.new.$$ ]; then mv -f generation.new.$$ generation; else rm -f generation.new.$$; fi
	} 2>/dev/null
}

# Removes files, whole trees and folders in `root`, and then the folders above it, in that order. Each is a line, relative
# to `root`, which is `.` itself. Nothing is reached through a link, a folder that is not empty stays, and what is
# gone already is no error. Uses root, files, trees, folders, above, absolute. Sets absolute.
remove_paths() {
	make_absolute "$root"
	if ! cd "$absolute" 2>/dev/null; then return 0; fi
	trap '' HUP INT TERM # the last ones follow from each other
	each_line "$files" remove_file && each_line "$trees" remove_tree && each_line "$folders" remove_folder &&
		each_line "$above" remove_folder
}

# Calls a function with each line of a text; the lines end in a newline.
each_line() { # text function
	left=$1
	while [ -n "$left" ]; do
		first=${left%%"$newline"*} # posh gets this wrong within quotes
		"$2" "$first" || return 1
		left=${left#*"$newline"}
	done
}

remove_file() { # path
	if is_direct "$1"; then rm -f "./$1"; fi
}

remove_tree() { # path
	if is_direct "$1"; then rm -rf "./$1"; fi
}

# Uses absolute.
remove_folder() { # path
	case $1 in
	.) (cd / && rmdir "$absolute") ;;
	/*) rmdir "$1" ;;
	*) if is_direct "$1"; then rmdir "./$1"; fi ;;
	esac 2>/dev/null || : # one that is not empty
}

# Succeeds if there is no link on the way to a path, and it exists, a link or not.
is_direct() { # path
	way=$1
	while :; do
		case $way in */*) way=${way%/*} ;; *) break ;; esac
		if [ -L "$way" ]; then return 1; fi
	done
	[ -e "$1" ] || [ -L "$1" ]
}

# Ends whatever runs in the profile's tmux session: in all of its own tmux, or where earlier releases had one for all.
# Uses profile, socket.
end_session() {
	find_socket
	if [ -S "$socket" ]; then
		tmux -S "$socket" kill-server </dev/null || return 1
	else
		tmux -L nbfab kill-session -t "=$profile" </dev/null || return 1
	fi
	remove_socket
}

# Uses pid, start.
end_process() {
	if [ "$(process_start "$pid")" != "$start" ]; then return; fi
	ask_to_end "$pid" "$start" || return 1
	if ended "$pid" "$start" 50; then return; fi
	kill -KILL "$pid"
	ended "$pid" "$start" 50 || {
		echo "process $pid does not end" >&2
		return 1
	}
}

# Uses user.
turn_lingering_off() {
	loginctl --no-ask-password disable-linger "$user" </dev/null
}
