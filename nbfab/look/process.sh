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

# Prints what tells this run of the host, or of its container, from others: the kernel's boot id, and when process 1
# started.
boot_mark() {
	boot_id=-
	if [ -r /proc/sys/kernel/random/boot_id ]; then read -r boot_id </proc/sys/kernel/random/boot_id; fi
	first=$(process_start 1)
	echo "$boot_id ${first:--}"
}

# Prints when this run of the host, or of its container, began, in seconds since the epoch; 0 if that is not known.
boot_time() {
	kernel='' first=$(process_start 1)
	while read -r key value _; do
		if [ "$key" = btime ]; then kernel=$value; fi
	done 2>/dev/null </proc/stat
	ticks=$(getconf CLK_TCK 2>/dev/null)
	if [ -n "$kernel" ]; then echo $((kernel + ${first:-0} / ${ticks:-100})); else echo 0; fi
}

# Prints the last lines of a log, without the times in front of them. A line may be endless.
last_words() { # log, how many lines
	tail -c 20000 "$1" | tail -n "$2" | sed 's/^[0-9-]\{10\}T[0-9:.]\{15\}Z //'
}

# Waits a tenth of a second, or a whole one if sleep takes no fractions.
nap() {
	sleep 0.1 2>/dev/null || sleep 1
}
