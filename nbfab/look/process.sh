# shellcheck shell=sh
# A pid and the time its process started: together they identify the process for good.

# Prints when a process started, in a form that can be compared; nothing if there is no such process.
process_start() { # pid
	case $1 in '' | *[!0-9]*) return 0 ;; esac
	if [ -r "/proc/$1/stat" ]; then
		read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
		# proc(5): the name in parentheses may contain anything, so count from its end.
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

# Waits a tenth of a second, or a whole one if sleep takes no fractions.
nap() {
	sleep 0.1 2>/dev/null || sleep 1
}
