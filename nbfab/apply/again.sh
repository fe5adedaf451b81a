# shellcheck shell=sh
# What `open` asks of a host while a page is open, over the connection that it has.

# Prints where the server listens now, and its certificate, of whose file no more than that leaves the host.
# Uses profile, base, certificate.
tell_server() {
	find_base
	if [ -L "$base/$profile" ] || ! cd "$base/$profile" 2>/dev/null; then return; fi
	pid=''
	if [ -f started ]; then read -r _ pid _ <started; fi
	case $pid in '' | *[!0-9]*) pid=none ;; esac
	for note in runtime/jpserver-"$pid".json runtime/nbserver-"$pid".json; do
		if [ -L "$note" ] || [ ! -f "$note" ]; then continue; fi
		awk 'match($0, /"port": *[0-9]+/) { print "{" substr($0, RSTART, RLENGTH) "}"; exit }' "$note" 2>/dev/null
	done
	sed -n '/^-----BEGIN CERTIFICATE-----$/,/^-----END CERTIFICATE-----$/p' "$certificate" 2>/dev/null
	cd /
}

# Succeeds if the process of the server that was started last runs. Uses folder. Sets began.
server_lives() {
	pid='' began=''
	if [ -f "$folder/started" ]; then read -r _ pid began _ <"$folder/started"; fi
	[ -n "$began" ] && [ "$(process_start "$pid")" = "$began" ]
}

# Starts the relay that was there, if it has ended and the server runs: what `stop` and `remove` have ended stays so, and
# a run of nbfab that is at work there may be about to end it. Prints since how many seconds the host runs, and what
# became of the relay. Uses profile, base, relay, place. Sets folder, other, since.
revive_relay() {
	find_base
	folder=$base/$profile
	if [ -r /proc/uptime ]; then
		read -r up _ </proc/uptime
		put "up ${up%%.*}$newline"
	fi
	if ! cd "$folder" 2>/dev/null || [ ! -f relay.sh ]; then
		put "gone$newline"
	elif relay_runs "$relay"; then
		put "runs $place$newline"
	elif read -r other since 2>/dev/null <lock/holder && [ "$(process_start "$other")" = "$since" ]; then
		put "busy$newline"
	elif ! server_lives; then
		put "stopped$newline"
	elif message=$(start_relay 2>&1) || relay_runs "$relay"; then
		relay_runs "$relay"
		put "started $place$newline"
	else
		put "failed ${message##*"$newline"}$newline"
	fi
	cd /
}
