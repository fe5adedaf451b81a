# shellcheck shell=sh
# Writes into the profile's folder, which is the current one.

refuse() { # reason
	report failed 0 "$1"
	exit 1
}

prepare() { # profile generation: the folder, and nobody else at work in it
	known_places
	find_base
	# shellcheck disable=SC2154 # that has set it
	folder=$base/$1
	if [ -L "$folder" ]; then refuse "$folder is a symbolic link; nbfab does not write through it"; fi
	message=$(mkdir -p "$folder" 2>&1 && chmod 700 "$folder" 2>&1) || refuse "$message"
	cd "$folder" || refuse "$folder cannot be entered"
	message=$(mkdir lock 2>&1) || break_lock "$message"
	trap 'rm -rf "$folder/lock"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	printf '%s\n' "$$ $(process_start "$$")" >lock/holder || refuse "$folder: cannot be written to, $(room)"
	rm -f ./*.new.* 2>/dev/null
	now=
	if [ -f generation ]; then read -r now <generation; fi
	if [ "$now" != "$2" ]; then refuse 'another run of nbfab has changed something there meanwhile'; fi
	printf '%s\n' "$(date +%s).$$" >generation.new.$$ && mv -f generation.new.$$ generation
}

break_lock() { # why there is none of ours: takes the place of a run that has ended
	if [ ! -d lock ]; then refuse "$1"; fi
	read -r holder began 2>/dev/null <lock/holder || holder=''
	# A lock without a holder is one that is being made, or that a cut connection left a minute ago.
	if [ -n "$holder" ] && [ "$(process_start "$holder")" = "$began" ] ||
		[ -z "$holder" ] && [ -z "$(find lock -prune -mmin +1 2>/dev/null)" ]; then
		refuse "another run of nbfab is at work there${holder:+ (process $holder)}"
	fi
	rm -rf lock
	mkdir lock 2>/dev/null || refuse 'another run of nbfab is at work there'
}

room() {
	LC_ALL=C df -k . 2>/dev/null | awk 'END { print $(NF - 2) " KiB free on " $NF }'
}

# The content comes as an argument of a shell function and is written by a builtin, so it is in no process's argv.
write_file() { # path mode bytes content
	if [ -L "$1" ] || { [ -e "$1" ] && [ ! -f "$1" ]; }; then
		echo "$folder/$1 is not a regular file; nbfab does not write through it" >&2
		return 1
	fi
	mkdir -p "$(dirname "$1")" || return 1
	# Not every shell's printf says that the disk is full, so the length is compared.
	if ! printf '%s' "$4" >"$1.new.$$" || [ "$(wc -c <"$1.new.$$")" -ne "$3" ]; then
		rm -f "$1.new.$$"
		echo "$folder/$1 could not be written: $(room)" >&2
		return 1
	fi
	chmod "$2" "$1.new.$$" && mv -f "$1.new.$$" "$1"
}

report() { # kind number text
	escape "$3"
	printf '{"%s":%s,"text":"%s"}\n' "$1" "$2" "${escaped-}" >&3
}

say() { # text: progress within a change
	escape "$1"
	printf '{"says":"%s"}\n' "${escaped-}" >&3
}

change() { # number function argument...
	number=$1
	shift
	report doing "$number" ''
	if message=$("$@" 2>&1); then
		report "done" "$number" "$message"
	else
		report failed "$number" "$message"
		exit 1
	fi
}
