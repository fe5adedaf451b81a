# shellcheck shell=sh
# Facts as lines of JSON. Python reads them with strict=False, so control characters may stay as they are.

newline='
'

escape() { # text: sets escaped to it as the inside of a JSON string; by builtins alone where they can, and it is short
	case ${#1}:$1 in
	[0-9][0-9][0-9][0-9][0-9]*:* | *[\\\"]*)
		escaped=$(printf '%s\n' "$1" |
			awk '{ gsub(/[\\"]/, "\\\\&"); printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }')
		;;
	*"$newline"*)
		escaped='' rest=$1
		while :; do
			case $rest in *"$newline"*) ;; *) break ;; esac
			escaped=$escaped${rest%%"$newline"*}\\n
			rest=${rest#*"$newline"}
		done
		escaped=$escaped$rest
		;;
	*) escaped=$1 ;;
	esac
}

facts=
fact() { # name text: kept until `tell`, since each write is a packet that somebody waits for
	escape "$2"
	facts="$facts{\"$1\":\"$escaped\"}$newline"
}

tell() {
	printf '%s' "$facts"
	facts=
}

# One awk for all files. Of a PEM only the certificate is shown: the key stays on the host. What is no regular file is
# left out, or a FIFO would be waited for.
file_facts() { # name path ...
	left=$#
	while [ "$left" -gt 0 ]; do
		if [ -f "$2" ]; then set -- "$@" "$1" "$2"; fi
		shift 2
		left=$((left - 2))
	done
	awk '
		BEGIN {
			for (i = 1; i < ARGC; i += 2) {
				name = ARGV[i]; path = ARGV[i + 1]; out = ""; shown = (name != "certificate")
				while ((got = (getline line < path)) > 0) {
					if (line ~ /^-----BEGIN CERTIFICATE/) shown = 1
					gsub(/[\\"]/, "\\\\&", line)
					if (shown) out = out line "\\n"
					if (name == "certificate" && line ~ /^-----END/) shown = 0
				}
				if (got < 0) continue
				close(path)
				printf "{\"%s\":\"%s\"}\n", name, out
			}
		}' "$@" 2>/dev/null
}
