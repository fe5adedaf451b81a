# shellcheck shell=sh
# The addresses at which something listens on the port.

# Uses port.
look_listening() {
	if [ ! -r /proc/net/tcp ]; then return; fi
	# proc(5): state 0A is LISTEN; addresses and ports are hexadecimal.
	fact listening.addresses "$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		awk -v port="$(printf ':%04X' "$port")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $2 }')"
	fact listening.known yes
}
