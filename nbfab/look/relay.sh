# shellcheck shell=sh
# The relay, which carries what `open` opens.

# Whether the relay of that name runs, and which others do. Uses folder, relay, place.
look_relay() {
	if relay_runs "$relay"; then fact relay.socket "$place"; fi
	for record in "$folder"/relay-*.started; do
		name=${record##*/}
		name=${name%.started}
		if relay_lives "$name"; then fact relay.running "$name"; fi
	done
	print_facts
}

# Succeeds if the process of a relay runs. Uses folder. Sets runner, began.
relay_lives() { # name
	runner='' began=''
	if [ -f "$folder/$1.started" ]; then read -r runner began <"$folder/$1.started"; fi
	[ -n "$began" ] && [ "$(process_start "$runner")" = "$began" ]
}

# Succeeds if the relay of that name runs and can be reached. Uses folder. Sets place to its socket.
relay_runs() { # name
	if ! relay_lives "$1"; then return 1; fi
	place=$folder/$1
	if [ ! -S "$place" ] && [ -f "$folder/relay" ]; then
		read -r place <"$folder/relay"
		is_private "$place" || return 1 # it may be gone, and another user may have made one of that name
		place=$place$1
	fi
	[ -S "$place" ]
}
