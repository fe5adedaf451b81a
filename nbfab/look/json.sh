# shellcheck shell=sh
# Facts as lines of JSON. Python reads them with strict=False, so control characters may stay as they are.

newline='
'

# Escapes a text for the inside of a JSON string; with builtins alone if it is short and simple. Sets escaped.
escape() { # text
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

# Keeps a fact for `print_facts`, since each write is a packet that someone waits for.
# Uses escaped, facts. Sets facts.
fact() { # group.name text
	escape "$2"
	facts="$facts{\"$1\":\"$escaped\"}$newline"
}

# Prints the facts that were kept. Uses facts. Sets facts.
print_facts() {
	printf '%s' "$facts"
	facts=
}
