# shellcheck shell=sh
# What listens on the port.

# Uses port.
look_port() {
	if [ -r /proc/net/tcp ]; then
		# proc(5): state 0A is LISTEN, the port is hexadecimal, field 8 is the user, field 10 the inode.
		entry=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
			awk -v port="$(printf ':%04X' "$port")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $8, $10; exit }')
		[ -n "$entry" ] || return 0
		fact port.user "$(id -nu "${entry% *}" 2>/dev/null || echo "${entry% *}")"
		look_process "${entry#* }"
	elif command -v lsof >/dev/null 2>&1; then
		entry=$(lsof -nP -iTCP:"$port" -sTCP:LISTEN 2>/dev/null | awk 'NR == 2 { print $2, $3, $1 }')
		[ -n "$entry" ] || return 0
		fact port.pid "${entry%% *}"
		entry=${entry#* }
		fact port.user "${entry%% *}"
		fact port.program "${entry#* }"
	fi
}

# The process that has a socket open; without root, only the user's own are visible.
look_process() { # inode
	for process in /proc/[0-9]*; do
		# shellcheck disable=SC2010,SC2012 # the targets of links in /proc are what is looked for
		if ls -l "$process/fd" 2>/dev/null | grep -qF "socket:[$1]"; then
			fact port.pid "${process#/proc/}"
			# Not its arguments: they may hold a secret.
			fact port.program "$(cat "$process/comm")"
			return
		fi
	done
}
