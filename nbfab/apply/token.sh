# shellcheck shell=sh
# The token of the server, for a login without a password.

# Prints the token that the running server has noted for its owner as a record, to standard output alone. No shell has it
# in a variable. Uses profile, base. Sets note.
tell_token() {
	find_base
	if [ -L "$base/$profile" ] || ! cd "$base/$profile" 2>/dev/null; then return; fi
	pid=''
	if [ -f started ]; then read -r _ pid _ <started; fi
	case $pid in '' | *[!0-9]*) return ;; esac
	for note in runtime/jpserver-"$pid".json runtime/nbserver-"$pid".json; do
		tell_noted
	done
	cd /
}

# Prints the token in a server's runtime file, in the same way. Uses note.
tell_noted() {
	if [ -L "$note" ] || [ ! -f "$note" ]; then return; fi
	awk 'match($0, /"token": *"[0-9a-zA-Z_-]+"/) && RLENGTH < 200 {
		token = substr($0, RSTART, RLENGTH); sub(/"token": */, "", token)
		printf "{\"token\":%s}\n", token; exit
	}' "$note" 2>/dev/null
}
