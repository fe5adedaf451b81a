# shellcheck shell=sh
# The host itself: its user, its clock, its names, its programs.

look_host() {
	uid=
	if [ -r /proc/self/status ]; then
		# proc(5): the second is the effective uid. id(1) prints it too, but costs a process.
		while read -r key _ value _; do case $key in Uid:) uid=$value && break ;; esac done </proc/self/status
	fi
	fact host.uid "${uid:-$(id -u)}"
	fact host.clock "$(date +%s)"
	if command -v tmux >/dev/null 2>&1; then fact host.tmux yes; else look_system; fi
	look_names
}

look_names() {
	name=
	if [ -r /proc/sys/kernel/hostname ]; then read -r name </proc/sys/kernel/hostname; fi
	fact host.names "${name:-$(hostname 2>/dev/null || uname -n)} $(hostname -f 2>/dev/null)"
	if command -v ip >/dev/null 2>&1; then
		fact host.addresses "$(ip addr show scope global 2>/dev/null)"
	elif command -v ifconfig >/dev/null 2>&1; then
		fact host.addresses "$(ifconfig 2>/dev/null)"
	else
		fact host.names "$(hostname -I 2>/dev/null)"
	fi
}

# The system, for the command that installs what is missing.
look_system() {
	fact host.system "$(
		uname -s
		sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' /etc/os-release 2>/dev/null | tr -d '"'
	)"
}
