# shellcheck shell=sh
# What tmux runs for a member of a cluster, in the profile's folder: Dask's scheduler or worker, again whenever that has
# ended. A worker ends when the scheduler is lost.

# Uses role, python, log_reader.
run_member() { # argument of Dask's program...
	umask 077
	unset NBFAB_PASSWORD
	PATH=${python%/*}:$PATH
	export PATH DASK_CONFIG="$PWD/cluster/dask.yaml" TMPDIR="$PWD/cluster/tmp"
	if [ -z "${LC_ALL-}${LANG-}" ]; then export LANG=C.UTF-8; fi
	trap '' INT
	# In braces: in posh, a bare last command of a pipeline does not ignore the signal.
	keep_member "$@" 2>&1 | { "$python" -BIS -c "$log_reader" 4000000 "cluster/$role.log"; }
}

# Runs it until this shell is ended. If it ends again and again, the pauses become longer, up to half a minute.
# Uses role, python, mark, waits_for, starter.
keep_member() { # argument of Dask's program...
	child='' pause=1
	trap 'if [ -n "$child" ]; then kill -TERM "$child"; wait "$child"; fi 2>/dev/null; exit 0' TERM HUP
	{ read -r self _ </proc/self/stat; } 2>/dev/null || self=$(exec sh -c 'echo "$PPID"')
	began=$(date +%s)
	printf '%s\n' "$starter" >"cluster/nbfab_$role.py" || exit 1
	printf '%s\n' "$self $(process_start "$self") $mark $began" >"cluster/$role.started.new" &&
		mv -f "cluster/$role.started.new" "cluster/$role.started" || exit 1
	while :; do
		echo "nbfab: the $role starts"
		exec "$python" -B "cluster/nbfab_$role.py" "distributed.cli.dask_$role" "$waits_for" "$@" </dev/null &
		child=$!
		status=0
		wait "$child" || status=$?
		child=''
		echo "nbfab: the $role has ended: exit status $status; it is started again"
		if [ $(($(date +%s) - began)) -gt 60 ]; then pause=1; fi
		sleep "$pause" &
		child=$!
		wait "$child"
		child=''
		if [ "$pause" -lt 30 ]; then pause=$((pause * 2)); fi
		began=$(date +%s)
	done
}
