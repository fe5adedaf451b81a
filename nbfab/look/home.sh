# shellcheck shell=sh
# The home folder, and the file system that profiles are on.

# Uses base.
look_home() {
	fact home.folder "$HOME"
	if [ -w "$HOME" ]; then fact home.writable yes; else fact home.writable no; fi
	place=$base
	while [ ! -e "$place" ] && [ "$place" != / ]; do place=$(dirname "$place"); done
	place=$(cd "$place" 2>/dev/null && pwd -P)
	fact home.place "$place"
	fact home.space "$(LC_ALL=C bounded df -Pk "$place" 2>/dev/null | tail -n 1)"
	fact home.inodes "$(LC_ALL=C bounded df -Pi "$place" 2>/dev/null | tail -n 1)"
	if [ -r /proc/self/mounts ]; then fact home.mount "$(mount_of "$place" </proc/self/mounts)"; fi
	if command -v quota >/dev/null 2>&1; then
		fact home.quota "$(LC_ALL=C bounded quota -w -p 2>/dev/null </dev/null | tail -n 20)"
	fi
	for place in "${TMPDIR:-/tmp}" /var/tmp; do
		if [ ! -d "$place" ] || [ ! -w "$place" ]; then fact home.unwritable "$place"; fi
	done
}

# Runs a program that a file server which is gone would keep waiting.
bounded() { # program argument...
	if command -v timeout >/dev/null 2>&1; then timeout 10 "$@"; else "$@"; fi
}

# Prints the device, the folder, the type and the options of the mount that a path is on, from a list like that of proc(5)
# on standard input: of those that hold the path, the deepest, and of several in one place, the last.
mount_of() { # path
	path=$1 awk 'BEGIN { path = ENVIRON["path"] "/"; longest = 0 }
		{
			gsub(/\\040/, " ", $2)
			at = $2; if (at != "/") at = at "/"
			if (index(path, at) == 1 && length(at) >= longest) { longest = length(at); found = $1 "\t" $2 "\t" $3 "\t" $4 }
		}
		END { print found }'
}
