# shellcheck shell=sh
# Writes to the profile's folder, which is the current one.

# Ends the run.
refuse() { # reason
	release
	report failed 0 "$1"
	exit 1
}

# Enters the profile's folder, and makes sure that no other run is at work in it.
# Uses profile, base. Sets folder, locked, run.
prepare() {
	locked='' run=''
	add_known_places
	find_base
	folder=$base/$profile
	if [ -L "$folder" ]; then refuse "$folder is a symbolic link; nbfab does not write through it"; fi
	message=$(make_folder 2>&1) || refuse "$message"
	cd "$folder" || refuse "$folder cannot be entered"
	message=$(mkdir lock 2>&1) || break_lock lock "$message"
	locked=yes
	release_in_the_end
	printf '%s\n' "$$ $(process_start "$$")" >lock/holder || refuse "$folder: cannot be written to, $(room)"
	# What a run that was cut has left; any other name is the user's.
	for half in ./*.new.*; do
		case $half in ./answer.new.*) ;; *.new.*[!0-9]*) continue ;; esac
		rm -f "$half"
	done
	check_generation
	run=$(date +%s).$$
	printf '%s\n' "$run" >generation.new.$$ && mv -f generation.new.$$ generation
}

# Removes the lock however the run ends.
release_in_the_end() {
	trap release EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# Ends the run if another one has changed something since this one has looked. Uses generation.
check_generation() {
	now=
	if [ -f generation ]; then read -r now <generation; fi
	if [ "$now" != "$generation" ]; then refuse 'another run of nbfab has changed something there in the meantime'; fi
}

# Makes the profile's folder. Uses folder.
make_folder() {
	make_base && { [ -d "$folder" ] || mkdir -p "$folder"; } && chmod 700 "$folder"
}

# Makes the folder of all profiles, and records which folders that has taken, and which of the places in the home folder
# where a server could leave something are not there. Uses base, recorded.
make_base() {
	near=$base taken=
	while [ -n "$near" ] && [ ! -e "$near" ]; do
		taken="${taken}folder $near$newline"
		near=${near%/*}
	done
	if [ -n "$taken" ]; then
		for place in $recorded; do
			if [ ! -e "$HOME/$place" ] && [ ! -L "$HOME/$place" ]; then taken="${taken}absent $place$newline"; fi
		done
	fi
	if [ ! -d "$base" ]; then mkdir -p "$base" || return 1; fi
	if [ -n "$taken" ] && ! add_to_record "$taken" 2>/dev/null; then
		echo "$base: cannot be written to, $(cd "$base" && room)"
		# Without a record, it would be there for good.
		taken=$base
		while [ "$taken" != "$near" ] && rmdir "$taken"; do taken=${taken%/*}; done
		return 1
	fi
}

# Adds lines to the record of what nbfab has made beside the profiles: once they are gone, it is removed as well. Uses base.
add_to_record() { # lines
	new=$base/.made.new.$$
	{
		cat "$base/.made" 2>/dev/null
		put "$1"
	} >"$new"
	# Not every shell's printf fails if the disk is full.
	case $(cat "$new")$newline in
	*"$1") if mv -f "$new" "$base/.made"; then return; fi ;;
	esac
	rm -f "$new"
	return 1
}

# Ends the changes: a run that has looked while they were made has seen a state that is gone. Uses run, folder. Sets run.
conclude() {
	if [ -z "$run" ]; then return; fi
	cd "$folder" && printf '%s\n' "$run.done" >generation.new.$$ && mv -f generation.new.$$ generation
	run=
}

# Enters the profile's folder to end its server, which takes neither a lock nor room on the disk: another run that hangs,
# a full disk, or one that cannot be written to, is no reason to let it run on.
# Uses profile, base. Sets folder, locked, run.
enter() {
	locked='' run=''
	add_known_places
	find_base
	folder=$base/$profile
	cd "$folder" || refuse "$folder cannot be entered"
	# If it can be said, other runs hear that what they have seen is gone.
	{
		printf '%s\n' "$(date +%s).$$" >generation.new.$$
		if [ -s generation.new.$$ ]; then mv -f generation.new.$$ generation; else rm -f generation.new.$$; fi
	} 2>/dev/null
}

# Removes the lock. That comes before the end of the run is reported: who hears of that may begin the next one, and
# on this machine signals what is left of this one.
# Uses folder, base, locked. Sets locked.
release() {
	conclude
	if [ -n "$locked" ]; then rm -rf "$folder/lock"; fi
	if [ "$locked" = installing ]; then rm -rf "$base/.cache/lock"; fi
	locked=
}

# Takes over the lock of a run that has ended.
break_lock() { # folder, and why it could not be made
	if [ ! -d "$1" ]; then refuse "$2"; fi
	read -r holder began 2>/dev/null <"$1/holder" || holder=''
	# A lock without a holder is being made right now, or was left behind by a connection that was cut.
	if [ -n "$holder" ] && [ "$(process_start "$holder")" = "$began" ] ||
		[ -z "$holder" ] && [ -z "$(find "$1" -prune -mmin +1 2>/dev/null)" ]; then
		refuse "another run of nbfab is at work there${holder:+ (process $holder)}"
	fi
	rm -rf "$1"
	mkdir "$1" 2>/dev/null || refuse 'another run of nbfab is at work there'
}

# Prints how much space is left on the disk.
room() {
	LC_ALL=C df -k . 2>/dev/null | awk 'END { print $(NF - 2) " KiB free on " $NF }'
}

# Uses file, mode, size, content, folder.
write_file() {
	if [ -L "$file" ] || { [ -e "$file" ] && [ ! -f "$file" ]; }; then
		put "$folder/$file is not a regular file; nbfab does not write through it$newline" >&2
		return 1
	fi
	mkdir -p "$(dirname "$file")" || return 1
	# Not every shell's printf fails if the disk is full, so the length is compared.
	if ! put "$content" "$folder/lock" >"$file.new.$$" || [ "$(wc -c <"$file.new.$$")" -ne "$size" ]; then
		rm -f "$file.new.$$"
		put "$folder/$file could not be written: $(room)$newline" >&2
		return 1
	fi
	chmod "$mode" "$file.new.$$" && mv -f "$file.new.$$" "$file"
}

# Sets file, size, content.
write_files() { # path size text...
	while [ $# -gt 0 ]; do
		file=$1 size=$2 content=$3
		write_file || return 1
		shift 3
	done
}

# Uses file, mode.
make_private() {
	chmod "$mode" "$file"
}

# Uses escaped.
report() { # kind number text
	escape "$3"
	put "{\"$1\":$2,\"text\":\"$escaped\"}$newline" >&3
}

# Reports progress within a change. Uses escaped.
say() { # text
	escape "$1"
	put "{\"says\":\"$escaped\"}$newline" >&3
}

# Names what failed within a change, for the fix.
hint() { # word
	put "{\"hint\":\"$1\"}$newline" >&3
}

# Makes a change by calling a function, and reports on it.
change() { # number function argument...
	number=$1
	shift
	report doing "$number" ''
	if message=$("$@" 2>&1); then
		report "done" "$number" "$message"
	else
		release
		report failed "$number" "$message"
		exit 1
	fi
}
