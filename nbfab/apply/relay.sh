# shellcheck shell=sh
# The relay, in a session of its own of the profile's tmux.

# Uses relay, socket.
start_relay() {
	find_tmux || return 1
	end_relay "$relay" # one that runs, and cannot be reached: what cleans /var/tmp may have taken its socket
	in_session "relay/$relay" 'exec /bin/sh relay.sh' || return 1
	waits=0
	while ! relay_runs "$relay"; do
		waits=$((waits + 1))
		if [ $waits -gt 100 ] || ! tmux -S "$socket" has-session -t "=relay/$relay" 2>/dev/null </dev/null; then
			if [ -s "$relay.log" ]; then tail -c 2000 "$relay.log" | tail -n 3; else echo "it ended without a word; $(room)"; fi
			end_relay "$relay"
			return 1
		fi
		nap
	done
}

# Ends those of all versions. A folder that they had their sockets in stays for the next, so that what is open goes on then.
end_relays() {
	for record in relay-*.started; do
		if [ -f "$record" ]; then end_relay "${record%.started}"; fi
	done
	if [ -f relay ] && read -r place <relay && is_private "$place"; then rm -f "$place"/relay-*; fi
	remove_socket
}

# Ends one, if it runs, and removes its files but for its program. Uses runner, began.
end_relay() { # name
	if relay_lives "$1"; then
		ask_to_end "$runner" "$began"
		ended "$runner" "$began" 50 || kill -KILL "$runner"
	fi
	rm -f "$1" "$1.started" "$1.log" 2>/dev/null || : # it may have ended, but the disk be read-only
}
