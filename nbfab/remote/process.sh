# shellcheck shell=sh
# A process is named for good by its pid and the time it started.

process_start() { # pid: when it started, in a form to compare; nothing if there is no such process
	case $1 in '' | *[!0-9]*) return 0 ;; esac
	if [ -r "/proc/$1/stat" ]; then
		read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
		# proc(5): the name in parentheses may hold anything, so count from behind it.
		stat=${stat##*) }
		case $stat in Z*) return 0 ;; esac
		# shellcheck disable=SC2086 # the fields are numbers
		set -- $stat
		shift 19
		printf '%s' "$1"
	elif [ ! -d /proc/self ]; then
		LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null | tr -s ' \n' '__'
	fi
}

nap() { # a tenth of a second, where sleep takes fractions
	sleep 0.1 2>/dev/null || sleep 1
}
