# shellcheck shell=sh
# Ends Jupyter servers that nbfab did not start.

# Begins a run that changes nothing of the profile, which need not exist. Uses profile, base. Sets folder, locked, run.
pass_by() {
	locked='' run=''
	add_known_places
	find_base
	folder=$base/$profile
}

# Ends one; the process may have another's pid by now. Uses pid, start.
end_other_server() {
	if [ "$(process_start "$pid")" != "$start" ]; then
		echo "process $pid had ended already"
		return
	fi
	end_with_kernels 20
}
