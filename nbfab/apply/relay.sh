# shellcheck shell=sh
# The relay, in a session of its own of the profile's tmux.

# Uses relay, socket, keeper.
start_relay() {
	if ! command -v tmux >/dev/null 2>&1; then
		echo 'there is no tmux'
		return 1
	fi
	outlive
	find_socket
	if [ ! -S "$socket" ]; then place_socket || place_socket elsewhere || return 1; fi
	rm -f "$relay" "$relay.started" "$relay.log"
	# shellcheck disable=SC2086 # the words of a command, or none
	(unset TMUX TMUX_PANE && SHELL=/bin/sh && export SHELL &&
		exec $keeper tmux -S "$socket" -f /dev/null new-session -d -s "relay/$relay" 'exec /bin/sh relay.sh') \
		</dev/null 2>&1 3>&- || return 1
	waits=0
	while ! relay_runs "$relay"; do
		waits=$((waits + 1))
		if [ $waits -gt 100 ]; then
			tail -c 2000 "$relay.log" 2>/dev/null | tail -n 3
			return 1
		fi
		nap
	done
}

# Ends those of all versions.
end_relays() {
	for record in relay-*.started; do
		if [ ! -f "$record" ]; then continue; fi
		runner='' began=''
		read -r runner began <"$record"
		if [ -n "$began" ] && [ "$(process_start "$runner")" = "$began" ]; then
			kill -TERM "$runner"
			ended "$runner" "$began" 50 || kill -KILL "$runner"
		fi
		rm -f "$record" "${record%.started}" "${record%.started}.log"
	done
	if [ -f relay ] && read -r place <relay && is_private "$place"; then
		rm -f "$place"/relay-* relay
		rmdir "$place"
	fi
	remove_socket
}
