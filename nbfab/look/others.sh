# shellcheck shell=sh
# This user's Jupyter servers that nbfab did not start.

# Uses base, at, others_probe.
look_others() {
	if answer=$(ask_python "$others_probe" "$base" "$at"); then
		put "{\"others.servers\":$answer}$newline"
	fi
}

# Prints what a program for Python prints, with the profile's Python or that of the host. Uses folder, interpreter.
ask_python() { # program argument...
	if [ -z "${interpreter-}" ] && [ -f "$folder/environment" ]; then
		{ read -r _ && read -r _ && read -r interpreter; } <"$folder/environment" || :
	fi
	for candidate in "${interpreter-}" python3 /usr/libexec/platform-python; do
		if ! command -v "$candidate" >/dev/null 2>&1; then continue; fi
		if "$candidate" -I -S -B -c "$@" 2>/dev/null </dev/null; then return; fi
	done
	return 1
}
