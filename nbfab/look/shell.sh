# shellcheck shell=sh
# The login shell, whose process this sh has become: `exec` keeps the time of its start.

# To be called before anything that takes time.
look_shell() {
	uptime=
	if [ ! -r /proc/uptime ]; then return; fi
	read -r uptime _ </proc/uptime
	fact shell.uptime "$uptime"
	fact shell.began "$(process_start $$)"
}
