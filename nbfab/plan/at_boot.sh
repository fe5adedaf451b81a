# shellcheck shell=sh
# What the host runs when it boots: it starts the server in tmux, as a task does, from its files as they are.

# What ended the server before is on record, and stays so: run.sh says that the host was restarted.
# Uses folder, panes, socket. Sets mask, keeper.
start_after_boot() {
	mask=$(umask) keeper='' had='' before='' began='' runner=''
	umask 077
	exec </dev/null >/dev/null 2>&1
	# Cron sets SHELL to its own, and the rest is systemd's, of a process that ends.
	unset SHELL INVOCATION_ID JOURNAL_STREAM MANAGERPID NOTIFY_SOCKET SYSTEMD_EXEC_PID
	add_known_places
	cd "$folder" || return
	if read -r before <started; then read -r runner pid began _ <started; fi
	if [ -n "$began" ] && [ "$(process_start "$pid")" = "$began" ]; then return; fi
	# It may have crashed a moment ago, and be started again.
	find_socket
	list_panes -S "$socket"
	case " $panes " in *" ${runner:--} "*) return ;; esac
	rm -f stopping environ
	# With that of a login it may not have started.
	if [ -f login ]; then read -r had _ <login; fi
	if [ "$had" != none ]; then take_environment; fi
	# A session that is there is of a task, which has been faster.
	if { place_socket && start_tmux; } || has_session || { place_socket elsewhere && start_tmux; }; then await_start "$before"; fi
	rm -f environ # it may hold secrets
}

# Waits until the server has its environment.
await_start() { # what `started` held before
	tries=0 now=$1
	while [ "$now" = "$1" ] && [ $tries -lt 300 ]; do
		tries=$((tries + 1))
		nap
		if [ -f started ]; then read -r now <started; fi
	done
}

# Starts the members of a cluster that were not ended by a task. Uses folder.
start_members_after_boot() {
	find_socket
	for role in scheduler worker; do
		if [ ! -f "$folder/cluster/$role.sh" ] || [ -e "$folder/cluster/$role.down" ] || member_lives "$role"; then continue; fi
		in_session "cluster/$role" "exec /bin/sh cluster/$role.sh"
	done
}
