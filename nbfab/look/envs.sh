# shellcheck shell=sh
# The environments of the profile's kernel: each in a folder of its own, with a record of what was asked for.

# Prints those that are complete, what is installed in them, and which processes use them. Uses folder, packages_there.
look_envs() {
	count=0
	for env in "$folder"/envs/*; do
		if [ ! -f "$env/made" ] || [ ! -x "$env/bin/python" ]; then continue; fi
		name=${env##*/} count=$((count + 1))
		fact envs.found "$name$newline$(cat "$env/made")"
		list_packages "$env"
		fact envs.installed "$name$newline$packages_there"
	done
	if [ "$count" -lt 2 ]; then return; fi
	for env in "$folder"/envs/*; do
		if is_used "$env"; then fact envs.used "${env##*/}"; fi
	done
}

# Whether a process uses an environment: a kernel is started by its path, and loads what is in it.
is_used() { # environment
	# Without /proc it cannot be told, so it stays.
	if [ ! -d /proc/self ]; then return; fi
	# shellcheck disable=SC2062 # files, not a pattern, which is in no argument of grep's own
	put "$1/" | grep -qsFf - /proc/[0-9]*/cmdline /proc/[0-9]*/maps
}

# What is installed in an environment: NAME-VERSION, then @COMMIT for what is from Git, and a + behind what was asked for
# by name. Sets packages_there.
list_packages() { # environment
	packages_there=
	for info in "$1"/lib/python*/site-packages/*.dist-info; do
		if [ ! -f "$info/METADATA" ]; then continue; fi
		asked='' commit=''
		if [ -e "$info/REQUESTED" ]; then asked=+; fi
		if [ -f "$info/direct_url.json" ]; then
			commit=$(sed -n 's/.*"commit_id": *"\([0-9a-f]*\)".*/@\1/p' "$info/direct_url.json")
		fi
		info=${info##*/}
		packages_there=$packages_there${info%.dist-info}$commit$asked$newline
	done
}
