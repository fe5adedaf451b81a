# shellcheck shell=sh
# What is sent from here to be installed there: a tar on standard input, behind the program.

# Unpacks it beside its place, and moves it there once it is whole; prints a record of what has failed otherwise.
# Uses parcel, base. Sets half.
receive_parcel() {
	find_base
	into=$base/.cache/$parcel half=$base/.cache/$parcel.new.$$ reason=
	if ! reason=$(make_base 2>&1 && mkdir -p "$half" 2>&1) || ! cd "$half"; then
		refuse_parcel "it cannot be written to: $reason"
		return
	fi
	# It begins before there are traps: a child has those of its parent for a moment, and is not ended meanwhile.
	beat </dev/null >/dev/null 2>&1 &
	heart=$!
	trap drop_half EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap '' PIPE # or it would end before what is half is gone, when no one is there to hear of it
	# Of links that were cut so badly that nothing has ended on this side.
	find "$base/.cache" -maxdepth 1 -name '*.new.*' -mmin +120 -exec rm -rf {} + 2>/dev/null
	put "{\"ready\":true}$newline" >&3
	broken=
	reason=$(unpack 2>&1) || broken=yes # tar may go on, and end with the mark
	kill "$heart" 2>/dev/null
	if [ -n "$broken" ] || [ ! -f whole ]; then
		case $reason in
		*'No space left on device'*) reason='No space left on device' ;;
		*'uota exceeded'*) reason='the quota is exceeded' ;;
		Traceback*) reason=${reason##*"$newline"} ;;
		*) reason=${reason%%"$newline"*} ;;
		esac
		refuse_parcel "it has not arrived whole: ${reason:-it was cut short}; $(room)"
	elif [ ! -d "$into" ]; then
		mv -f "$half" "$into" || refuse_parcel 'it could not be moved into its place'
	fi
	cd / && rm -rf "$half"
}

# Uses escaped.
refuse_parcel() { # reason
	escape "$1"
	put "{\"refused\":\"$escaped\"}$newline" >&3
}

# Uses half.
drop_half() {
	cd / && rm -rf "$half"
}

# The files in the tar are those of who unpacks them.
unpack() {
	if command -v tar >/dev/null 2>&1; then
		tar -xof -
	else
		python3 -BIc 'import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode="r|").extractall()'
	fi
}

# Says every two seconds how many kilobytes are there, until no one takes it. Uses half.
beat() {
	nap=
	trap 'kill $nap; exit' TERM
	while :; do
		sleep 2 3>&- &
		nap=$!
		wait "$nap"
		put "{\"arrived\":$(du -sk "$half" 2>/dev/null | awk '{ print $1 + 0 }')}$newline" >&3 || exit
	done
}
