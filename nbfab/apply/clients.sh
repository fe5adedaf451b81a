# shellcheck shell=sh
# The certificates of the clients that the server admits.

# Takes certificates out of the bundle, by their base64, and puts others in, whatever else it holds by now. So one
# operator's change does not undo another's; only what TLS would stumble over goes as well. A bundle without any would
# make every connection hang, so there is none.
# Uses file, adds, drops, folder. Sets content, size.
change_clients() {
	content=
	if [ -f "$file" ] && [ ! -L "$file" ]; then
		content=$(awk -v drops="$drops" '
			BEGIN {
				count = split(drops, list, " ")
				for (at = 1; at <= count; at++) gone[list[at]] = 1
			}
			{ sub(/\r$/, "") }
			/^-----BEGIN CERTIFICATE-----/ { inside = 1; block = body = ""; next }
			!inside { if (!/^-----(BEGIN|END) /) print; next } # of another kind, or without its other end
			/^-----END CERTIFICATE-----/ {
				inside = /-----BEGIN CERTIFICATE-----/ # where no line end was between two
				if (body ~ /^[A-Za-z0-9+\/=]+$/ && !(body in gone))
					print "-----BEGIN CERTIFICATE-----" block "\n-----END CERTIFICATE-----"
				block = body = ""
				next
			}
			{ block = block "\n" $0; gsub(/[ \t]/, ""); body = body $0 }' "$file") || return 1
	fi
	content=${content:+$content$newline}$adds
	case $content in
	*'-----BEGIN CERTIFICATE-----'*) ;;
	*)
		put "no client would be left in $folder/$file$newline" >&2
		return 1
		;;
	esac
	size=$(put "$content" "$folder/lock" | wc -c)
	write_file
}
