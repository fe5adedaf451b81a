# shellcheck shell=sh
# What tmux runs, in the profile's folder: the server, again after a crash, with a log and a record of which process it
# is and what ended the one before.

# To be raised if a running server should take up a change here at its next restart; `takes.py` reads it.
: launcher 5

# Uses python. Sets once, mask, runner.
run_server() { # argument of python...
	# The environment of a login, if it is started with one. Python takes it up whatever it holds, and no shell has to.
	if [ -f environ ] && [ -z "${NBFAB_ENVIRON-}" ]; then
		exec "$python" -BI -c 'import os, sys
read = [entry.split(b"=", 1) for entry in open("environ", "rb").read().split(b"\0") if b"=" in entry]
kept = [(name, value) for name, value in os.environb.items() if name == b"TERM"]
os.execve("/bin/sh", ["/bin/sh", sys.argv[1]], dict([*read, *kept, (b"NBFAB_ENVIRON", b"read")]))' "$0"
	fi
	once=${NBFAB_ONCE-}
	unset NBFAB_ENVIRON NBFAB_ONCE
	mask=$(umask)
	umask 077
	# Nothing in ~/.jupyter and ~/.ipython is read; kernels that the user installed stay where Jupyter finds them.
	export JUPYTER_CONFIG_DIR="$PWD/jupyter" JUPYTER_RUNTIME_DIR="$PWD/runtime" IPYTHONDIR="$PWD/ipython"
	export JUPYTER_PATH="$PWD/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}" TRAITLETS_APPLICATION_RAISE_CONFIG_FILE_ERROR=1
	PATH=$(dirname "$python"):$PATH
	export PATH
	unset JUPYTER_CONFIG_PATH NBFAB_PASSWORD
	if [ -z "${LC_ALL-}${LANG-}" ]; then export LANG=C.UTF-8; fi
	# Control-C is for the server, which asks for confirmation; this shell must outlive it, or tmux would hang up on both.
	trap : INT
	runner=$$
	note_boot
	keep_running "$@" 2>&1 | read_output
	if ! read -r _ _ kind code _ 2>/dev/null <ended; then return 1; fi
	if [ "$kind" != exit ] && [ "$kind" != idle ]; then code=$((128 + code)); fi
	return "$code"
}

# Notes which run of the host this is. If a server was started in an earlier one, that has ended it. Uses runner.
note_boot() {
	restarts=0
	if ! read -r restarts _ 2>/dev/null <ended; then restarts=0; fi
	mark=$(boot_mark)
	if read -r before 2>/dev/null <boot && [ "$before" != "$mark" ]; then
		booted=$(boot_time)
		if [ "$booted" = 0 ]; then booted=$(date +%s); fi
		printf '%s\n' "$((restarts + 1)) $booted host 0 again" >ended.new."$runner" && mv -f ended.new."$runner" ended
		keep_run
	fi
	printf '%s\n' "$mark" >boot.new."$runner" && mv -f boot.new."$runner" boot
}

# Notes what has ended the server, and what follows: it is started `again`, it stays `down`, or that is `given-up`.
# Uses runner.
note_end() { # restarts, kind and number, what follows
	printf '%s\n' "$1 $(date +%s) $2 $3" >ended.new."$runner" && mv -f ended.new."$runner" ended
}

# Keeps when the server ran that has ended, so that what it may have left somewhere can be told from what others have.
keep_run() {
	if [ -L ran ] || ! read -r _ _ _ _ since _ 2>/dev/null <started; then return; fi
	printf '%s\n' "run $since $(date +%s)" 2>/dev/null >>ran
}

# Runs the server until it ends in order, and again if it crashes: after 2 seconds, at most 5 times in 5 minutes.
# Uses once, crashed, end, words. Sets recent, follows.
keep_running() { # argument of python...
	trap : INT
	recent='' restarts=0
	if ! read -r restarts _ 2>/dev/null <ended; then restarts=0; fi
	while has_files; do
		kills=$(oom_kills)
		echo 'nbfab: the server starts'
		serve_once "$@"
		describe_end $? "$kills"
		follows=down
		if [ -n "$crashed" ] && [ -z "$once" ] && [ ! -e stopping ]; then follows_from "$(date +%s)"; fi
		if [ "$follows" = again ]; then restarts=$((restarts + 1)); fi
		keep_run
		note_end "$restarts" "$end" "$follows"
		case $follows in
		again) echo "nbfab: the server has ended: $words; it is started again" ;;
		given-up) echo "nbfab: the server has ended: $words; it has crashed 6 times in 5 minutes, and stays down" ;;
		*) return ;;
		esac
		if [ "$follows" = given-up ]; then return; fi
		# Control-C ends this, too, and `stop` is not left waiting for a server that is not there.
		if ! sleep 2 || [ -e stopping ]; then
			note_end "$restarts" "$end" down
			return
		fi
	done
}

# Fails if a file is missing without which Jupyter would start with its defaults. Uses needed.
has_files() {
	for file in $needed; do
		if [ ! -r "$file" ]; then
			echo "nbfab: $PWD/$file is missing, so the server is not started"
			note_end 0 'exit 1' down
			return 1
		fi
	done
}

# Runs the server, with a note of which process it is. Uses python, mask, runner, digest.
serve_once() { # argument of python...
	(
		self=$(exec sh -c 'echo "$PPID"')
		printf '%s\n' "$runner $self $(process_start "$self") $digest $(date +%s)" >started.new."$runner" &&
			mv -f started.new."$runner" started || exit 1
		umask "$mask"
		exec "$python" -B "$@" # its environment may be the user's own, and gets no compiled files
	)
}

# What an exit status says of an end, and what the server has left. Sets crashed, end, words.
describe_end() { # exit status, oom_kills before
	status=$1 crashed=yes
	# That of a process ended by a signal: ksh adds 256 to its number, yash 384, and all others 128.
	if [ "$status" -gt 384 ]; then status=$((status - 256)); elif [ "$status" -gt 256 ]; then status=$((status - 128)); fi
	case $status in 0 | 130 | 143) crashed= ;; esac
	end="exit $status" words="exit status $status"
	if [ "$status" -gt 128 ]; then end="signal $((status - 128))" words="signal $((status - 128))"; fi
	if [ "$status" -eq 0 ] && [ -e idled ]; then end='idle 0'; fi # as the module in the server has noted
	rm -f idled
	pid=
	if ! read -r _ pid _ 2>/dev/null <started; then return; fi
	if [ "$status" = 137 ] && was_out_of_memory "$pid" "$2"; then
		end='memory 9' words="$words, out of memory"
	fi
	if [ -n "$crashed" ]; then rm -f runtime/*-"$pid".json runtime/*-"$pid"-open.html 2>/dev/null; fi
}

# Whether another start may follow a crash. Uses recent. Sets follows, recent.
follows_from() { # the time of the crash
	kept='' count=0
	for at in $recent; do
		if [ $(($1 - at)) -lt 300 ]; then kept="$kept $at" count=$((count + 1)); fi
	done
	recent="$kept $1" follows=again
	if [ $count -ge 5 ]; then follows=given-up; fi
}

# Prints how many processes of this one's control group the kernel has killed for want of memory, if it tells that.
oom_kills() {
	group='' events=''
	while IFS=: read -r number controllers path; do
		case $number:$controllers in
		0:) group=/sys/fs/cgroup$path/memory.events ;;
		*:memory | *:memory,* | *:*,memory | *:*,memory,*) events=/sys/fs/cgroup/memory$path/memory.oom_control ;;
		esac
	done 2>/dev/null </proc/self/cgroup
	while read -r key value; do
		if [ "$key" = oom_kill ]; then echo "$value"; fi
	done 2>/dev/null <"${events:-${group:-/dev/null}}"
}

# Succeeds if the kernel has killed a process for want of memory: its log says so, or its count has risen since.
was_out_of_memory() { # pid, oom_kills before
	if dmesg 2>/dev/null | grep "Killed process $1 " >/dev/null; then return; fi
	now=$(oom_kills)
	[ -n "$2" ] && [ -n "$now" ] && [ "$now" -gt "$2" ]
}

# Writes what the server prints to the log. If the reader ends early, another one goes on, and the server never notices;
# if none can run, tee does it. Uses python, log_reader.
read_output() {
	trap '' INT
	tries=0
	while [ $tries -lt 5 ]; do
		if "$python" -BIS -c "$log_reader" 4000000; then return; fi
		tries=$((tries + 1))
	done
	exec tee -a server.log
}
