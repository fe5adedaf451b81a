# shellcheck shell=sh
# The members of a cluster: its scheduler, and the workers of this host.

# Uses profile, base. Sets folder.
find_profile() {
	add_known_places
	find_base
	folder=$base/$profile
}

# Prints which of them run, what the Python that runs them has, and whether that of the server has a proxy for dashboards.
# Without a name for them, these are the Pythons that the profile has now.
# Uses folder, interpreter, cluster_python, cluster_server, cluster_probe, mark, since.
look_cluster() {
	for role in scheduler worker; do
		if member_lives "$role"; then
			fact cluster.runs "$role $mark $since"
		elif [ -f "$folder/cluster/$role.started" ] && has_member "$role"; then
			fact cluster.runs "$role - 0" # what starts it anew was killed, and it has outlived that
		fi
		if [ -e "$folder/cluster/$role.down" ]; then fact cluster.down "$role"; fi
	done
	print_facts
	if [ -z "$cluster_probe" ]; then return; fi
	if [ -z "$cluster_python" ]; then
		find_kernel_python
		if [ ! -x "$cluster_python" ]; then return; fi
		cluster_server=${interpreter:-$cluster_python}
	fi
	fact cluster.python "$cluster_python"
	fact cluster.server "$cluster_server"
	print_facts
	if answer=$(cd / && "$cluster_python" -Bc "$cluster_probe" 2>/dev/null </dev/null); then
		put "{\"cluster.seen\":$answer}$newline"
	else
		fact cluster.fails "$(cd / && "$cluster_python" -Bc "$cluster_probe" 2>&1 </dev/null | tail -n 1)"
	fi
	finds='import importlib.util, sys; sys.exit(not importlib.util.find_spec("jupyter_server_proxy"))'
	if [ "$cluster_server" = "$cluster_python" ]; then
		case $answer in *'"proxy": true'*) fact cluster.proxy yes ;; esac
	elif "$cluster_server" -BIc "$finds" >/dev/null 2>&1 </dev/null; then
		fact cluster.proxy yes
	fi
	print_facts
}

# The Python in the specification of the profile's kernel, the first path there. Uses folder, cluster_kernel. Sets
# cluster_python.
find_kernel_python() {
	if [ ! -f "$folder/$cluster_kernel" ]; then return; fi
	while IFS= read -r part; do
		case $part in *'"/'*'",')
			part=${part#*'"'}
			cluster_python=${part%'",'}
			return
			;;
		esac
	done <"$folder/$cluster_kernel"
}

# Succeeds if a member has its session. Uses socket.
has_member() { # role
	find_socket
	[ -S "$socket" ] && tmux -S "$socket" has-session -t "=cluster/$1" 2>/dev/null </dev/null
}

# Succeeds if a member runs: the shell that starts it anew. Uses folder. Sets runner, began, mark, since.
member_lives() { # role
	runner='' began='' mark='' since=''
	if [ -f "$folder/cluster/$1.started" ]; then read -r runner began mark since _ <"$folder/cluster/$1.started"; fi
	[ -n "$since" ] && [ "$(process_start "$runner")" = "$began" ]
}
