# shellcheck shell=sh
# Has the host start the server when it boots, or no longer. Whatever else is in the user's crontab stays as it is.

# By the unit, or else by the line: one of them is empty, and is taken away if it was there. Uses unit, line.
start_at_boot() {
	find_unit
	if [ -n "$unit" ]; then
		let_linger && write_unit && write_line "$line"
	else
		write_line "$line" && remove_unit
	fi
}

stay_down_at_boot() {
	find_unit
	write_line '' && remove_unit && rm -f at_boot.sh
}

# Has the user's own manager start at boot.
let_linger() {
	who=$(id -un)
	if lingers "$who"; then return; fi
	if ! message=$(loginctl --no-ask-password enable-linger "$who" 2>&1 </dev/null); then
		echo "lingering cannot be turned on for $who: $message" >&2
		return 1
	fi
	add_to_record "linger $who $(uname -n)$newline"
	echo "lingering was turned on for $who, so that the server starts with the host; remove offers to turn it off, or: loginctl disable-linger $who"
}

# Uses unit, unit_file, unit_link.
write_unit() {
	wants=${unit_link%/*} taken=''
	near=$wants
	while [ ! -e "$near" ]; do taken="${taken}folder $near$newline" near=${near%/*}; done
	mkdir -p "$wants" || return 1
	if [ -n "$taken" ]; then add_to_record "$taken" || return 1; fi
	if [ -L "$unit_file" ]; then rm -f "$unit_file"; fi
	put "$unit" >"$unit_file.new.$$" && mv -f "$unit_file.new.$$" "$unit_file" || return 1
	rm -f "$unit_link"
	ln -s "../${unit_file##*/}" "$unit_link" || return 1
	tell_manager
}

# Removes the unit, and those of its folders that nbfab has made, if nothing else is in them. What it has started runs on.
# Uses base, unit_file, unit_link.
remove_unit() {
	if [ ! -e "$unit_file" ] && [ ! -L "$unit_link" ]; then return; fi
	rm -f "$unit_link" "$unit_file" || return 1
	place=${unit_link%/*}
	while [ "$place" != "$HOME" ] && grep -qsxF "folder $place" "$base/.made" && rmdir "$place" 2>/dev/null; do
		place=${place%/*}
	done
	tell_manager
}

# Has the user's manager read its units anew, if it runs.
tell_manager() {
	(
		case ${XDG_RUNTIME_DIR-} in /*) ;; *) XDG_RUNTIME_DIR=/run/user/$(id -u) ;; esac
		export XDG_RUNTIME_DIR
		if [ -S "$XDG_RUNTIME_DIR/systemd/private" ]; then systemctl --user daemon-reload; fi
	) >/dev/null 2>&1 </dev/null || :
}

# Puts the line into the user's crontab, in the place of the one that is there, or takes that out.
write_line() { # line, or nothing
	if [ -z "$1" ] && ! command -v crontab >/dev/null 2>&1; then return; fi
	copies=$(mktemp -d) || return 1
	tries=0 result=2
	while [ $result = 2 ] && [ $tries -lt 20 ]; do
		tries=$((tries + 1))
		edit_crontab "$1" "$copies"
		result=$?
	done
	rm -rf "$copies"
	return $result
}

# A crontab with nothing else in it goes; one that cannot be read stays as it is. Fails with 2 if it has changed meanwhile,
# such as by a run for another profile. Uses profile.
edit_crontab() { # line, or nothing; a folder for copies
	if ! LC_ALL=C crontab -l >"$2/now" 2>"$2/why" </dev/null; then
		words=$(cat "$2/why")
		if ! is_no_crontab "$words"; then
			if [ -z "$1" ]; then return 0; fi
			put "$words$newline" >&2
			return 1
		fi
		: >"$2/now"
	fi
	LC_ALL=C sed "/^@reboot .*# nbfab $profile\$/d" <"$2/now" >"$2/new" || return 1
	if [ -n "$1" ]; then
		if [ -n "$(tail -c 1 "$2/new")" ]; then echo >>"$2/new"; fi
		put "$1$newline" >>"$2/new"
		if [ "$(tail -n 1 "$2/new")" != "$1" ]; then return 1; fi # the disk is full
	fi
	if cmp -s "$2/now" "$2/new"; then return; fi
	LC_ALL=C crontab -l >"$2/again" 2>/dev/null </dev/null || : >"$2/again"
	if ! cmp -s "$2/now" "$2/again"; then return 2; fi
	if [ -s "$2/new" ]; then crontab - <"$2/new"; else crontab -r </dev/null; fi
}
