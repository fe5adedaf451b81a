# shellcheck shell=sh
# The server's log.

# Prints it. Uses profile, base, lines, part, position, log_probe. Sets folder.
look_log() {
	find_base
	folder=$base/$profile
	if [ ! -f "$folder/server.log" ]; then
		put "{\"absent\":true}$newline"
		return
	fi
	if [ -f "$folder/environment" ]; then
		{ read -r _ && read -r _ && read -r interpreter; } <"$folder/environment" || :
	fi
	for candidate in "${interpreter-}" python3 /usr/libexec/platform-python; do
		if ! command -v "$candidate" >/dev/null 2>&1; then continue; fi
		if "$candidate" -I -S -B -c "$log_probe" "$folder" "$lines" "$part" "$position"; then return; fi
	done
	put "{\"unreadable\":true}$newline"
}
