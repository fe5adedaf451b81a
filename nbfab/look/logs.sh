# shellcheck shell=sh
# The logs of what runs in a profile.

# Prints one. Uses profile, base, log, lines, part, position, log_probe. Sets folder.
look_log() {
	find_base
	folder=$base/$profile
	if [ ! -f "$folder/$log" ]; then
		put "{\"absent\":true}$newline"
		return
	fi
	if [ -f "$folder/environment" ]; then
		{ read -r _ && read -r _ && read -r interpreter; } <"$folder/environment" || :
	fi
	for candidate in "${interpreter-}" python3 /usr/libexec/platform-python; do
		if ! command -v "$candidate" >/dev/null 2>&1; then continue; fi
		if "$candidate" -I -S -B -c "$log_probe" "$folder" "$lines" "$part" "$position" "$log"; then return; fi
	done
	put "{\"unreadable\":true}$newline"
}
