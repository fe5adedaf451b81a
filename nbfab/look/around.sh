# shellcheck shell=sh
# What is around the server: the machine's memory, disks and GPUs, the other profiles. Only `status` asks for that.

# Uses folder, directory, alive, pid, absolute, around_probe.
look_around() {
	fact around.profiles "$(list_profiles)"
	make_absolute "$directory"
	if answer=$(ask_python "$around_probe" "$folder" "$absolute" "${alive:+$pid}"); then
		put "{\"around.machine\":$answer}$newline"
	fi
	print_facts
}

# Lists the other profiles: the name of each, its port (- if it has chosen none), and `running` or `stopped`.
# Uses base, profile.
list_profiles() {
	for other in "$base"/*; do
		name=${other##*/} runs=stopped number='' began=''
		if [ "$name" = "$profile" ] || ! is_profile "$other"; then continue; fi
		chosen=$(sed -n 's/^port [a-z]*[#0-9a-f]* \([0-9]\{1,5\}\)$/\1/p' "$other/choices" 2>/dev/null | head -n 1)
		if [ -f "$other/started" ]; then read -r _ number began _ <"$other/started" || :; fi
		if [ -n "$began" ] && [ "$(process_start "$number")" = "$began" ]; then runs=running; fi
		put "$name ${chosen:--} $runs$newline"
	done
}
