# shellcheck shell=sh
# The relay, which carries what `open` opens.

# Whether the relay of that name runs. Uses relay, place.
look_relay() {
	if relay_runs "$relay"; then fact relay.socket "$place"; fi
	print_facts
}

# Succeeds if the relay of that name runs. Uses folder. Sets place to its socket.
relay_runs() { # name
	runner='' began=''
	if [ -f "$folder/$1.started" ]; then read -r runner began <"$folder/$1.started"; fi
	if [ -z "$began" ] || [ "$(process_start "$runner")" != "$began" ]; then return 1; fi
	place=$folder/$1
	if [ ! -S "$place" ] && [ -f "$folder/relay" ]; then
		read -r place <"$folder/relay"
		place=$place$1
	fi
	[ -S "$place" ]
}
