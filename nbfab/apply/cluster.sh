# shellcheck shell=sh
# The members of a cluster, each in a session of its own of the profile's tmux.

# Starts a member, and returns once all that are `awaited` run: the last of several starts names them all.
# Uses role, awaited, socket.
start_member() {
	find_tmux || return 1
	if [ -e "cluster/$role.started" ]; then end_member "$role" || return 1; fi
	if [ ! -d cluster/tmp ]; then mkdir -p cluster/tmp; fi
	# There may be a session of which nothing is recorded; a tmux whose last session has just ended may be ending, too;
	# and a file system may have no sockets.
	run_in_session >/dev/null 2>&1 ||
		{ end_member "$role" && nap && run_in_session >/dev/null 2>&1; } ||
		{ [ ! -S "$socket" ] && place_socket elsewhere && run_in_session; } || run_in_session || return 1
	rm -f "cluster/$role.down"
	for each in $awaited; do await_member "$each" || return 1; done
}

await_member() { # role
	waits=0
	while ! member_lives "$1"; do
		waits=$((waits + 1))
		if [ $waits -gt 120 ]; then
			echo "the $1 ended without a word; $(room)"
			return 1
		fi
		if [ $waits -gt 20 ] || ! sleep 0.02 2>/dev/null; then nap; fi
	done
}

# Uses role.
run_in_session() {
	in_session "cluster/$role" "exec /bin/sh cluster/$role.sh"
}

# Ends one, with what it has started, and keeps it down when the host boots. Uses runner, began, socket.
end_member() { # role, and `drop` for one that the host no longer has
	if member_lives "$1"; then
		below=$(descendants_of "$runner")
		ask_to_end "$runner" "$began" || return 1
		if ! ended "$runner" "$began" 100; then kill -KILL "$runner" 2>/dev/null; fi
		end_left "$below"
		ended "$runner" "$began" 50 || return 1
	fi
	find_socket
	if has_member "$1"; then
		# It may end by itself at this moment.
		tmux -S "$socket" kill-session -t "=cluster/$1" 2>/dev/null </dev/null || ! has_member "$1" || return 1
	fi
	rm -f "cluster/$1.started"
	if [ "${2-}" = drop ]; then rm -f "cluster/$1.sh" "cluster/nbfab_$1.py"; fi
	(: >"cluster/$1.down") 2>/dev/null || : # a full disk is no reason to let it run on
	remove_socket
}

# Prints the processes below one, each with its start.
descendants_of() { # pid
	for child in $(children_of "$1"); do
		echo "$child $(process_start "$child")"
		descendants_of "$child"
	done
}

# Ends those that are left after two seconds each.
end_left() { # lines of pid and start
	put "$1$newline" | while read -r child since; do
		if [ -n "$since" ] && ! ended "$child" "$since" 20; then kill -KILL "$child" 2>/dev/null; fi
	done
}
