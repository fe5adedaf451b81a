# shellcheck shell=sh
# What starts the server when the host boots, and what could: a unit of the user's own manager, or the user's crontab.

# Only where that is wanted or was set up, since it costs processes.
# Uses folder, profile, at_boot, removing, unit_file, unit_link.
look_at_boot() {
	if [ "$at_boot" != on ] && [ -z "$removing" ] && [ ! -f "$folder/at_boot.sh" ]; then return; fi
	find_unit
	if [ -f "$unit_file" ]; then fact at_boot.unit "$(cat "$unit_file" 2>/dev/null)"; fi
	if [ -L "$unit_link" ]; then fact at_boot.enabled yes; fi
	fact at_boot.user "$(id -un)"
	if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then fact at_boot.lingers "$(may_linger)"; fi
	if ends_at_logout; then fact at_boot.killed yes; fi
	if ! command -v crontab >/dev/null 2>&1; then return; fi
	# No shell is to hold the crontab itself: yash cuts it at a byte that is no character.
	if refusal=$(LC_ALL=C crontab -l 2>&1 >/dev/null </dev/null) || is_no_crontab "$refusal"; then
		fact at_boot.line "$(LC_ALL=C crontab -l 2>/dev/null </dev/null | LC_ALL=C sed -n "/^@reboot .*# nbfab $profile\$/p")"
		if cron_runs; then fact at_boot.cron runs; else fact at_boot.cron idle; fi
	else
		fact at_boot.cron refused
		fact at_boot.refusal "$refusal"
	fi
}

# Where the unit is, and the link by which the user's manager starts it. A manager knows no other folder by itself.
# Uses profile. Sets units, unit_file, unit_link.
find_unit() {
	units=$HOME/.config/systemd/user
	unit_file=$units/nbfab-$profile.service
	unit_link=$units/default.target.wants/nbfab-$profile.service
}

# Prints whether the user's own manager starts at boot: `yes`, or `may` if the user can have it do that, or `no`.
may_linger() {
	name=$(id -un) number=$(id -u)
	if lingers "$name"; then
		echo yes
	elif [ "$number" = 0 ] || pkcheck --action-id org.freedesktop.login1.set-self-linger \
		--process "$$,$(process_start "$$"),$number" >/dev/null 2>&1 </dev/null; then
		echo may
	else
		echo no
	fi
}

# Succeeds if what crontab says of one that it cannot show is that there is none.
is_no_crontab() { # its words
	case $1 in *'no crontab for '* | *"can't open"*'No such file'*) ;; *) return 1 ;; esac
}

# Succeeds if a daemon that reads crontabs runs, or if that cannot be seen.
cron_runs() {
	if [ ! -r /proc/1/comm ]; then return; fi
	for entry in /proc/[0-9]*/comm; do
		if read -r name 2>/dev/null <"$entry"; then case $name in cron | crond | fcron) return ;; esac fi
	done
	return 1
}
