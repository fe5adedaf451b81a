# shellcheck shell=sh
# Facts as lines of JSON. Python reads them with strict=False, so control characters may stay as they are.

newline='
'

# Whether printf is a builtin here. mksh, posh and OpenBSD's sh have none; lksh prefers the program, if PATH has one.
own_printf=
if PATH=/dev/null printf '' 2>/dev/null; then own_printf=yes; fi

# Prints a text as it is, and never as an argument of a program, which everyone on the host could read. Without a builtin
# for that, it is a here-document. While that is read, some shells keep it in a file for its owner only: mksh and posh in
# TMPDIR, if that is a folder, or else in /tmp, as yash does with one that is longer than a pipe (without a name).
put() { # text [folder for such a file]
	if [ -n "$own_printf" ]; then
		PATH=/dev/null printf '%s' "$1"
	else
		(
			TMPDIR=${2:-${TMPDIR-}}
			# A here-document ends with a newline that is not the text's.
			LC_ALL=C awk '{ printf "%s%s", end, $0; end = "\n" }' <<EOF
$1
EOF
		)
	fi
}

# Escapes a text for the inside of a JSON string; with builtins alone if it is short and simple. Sets escaped.
escape() { # text
	case ${#1}:$1 in
	[0-9][0-9][0-9][0-9][0-9]*:* | *[\\\"]*)
		escaped=$(put "$1$newline" |
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
	put "$facts"
	facts=
}
