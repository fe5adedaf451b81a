# shellcheck shell=sh
# An environment with the notebook, beside the profiles.

# Reports every line of a long command as a sign of life, and passes it on: an error shows the last ones. Uses escaped.
narrate() {
	while IFS= read -r line; do
		escape "$line"
		put "{\"prints\":\"$escaped\"}$newline" >&3
		put "$line$newline"
	done
}

# Makes it, or adds to it. What pip or uv keeps is in `.cache`, which is kept for another try only.
# Uses base, lent. Sets venv, tool, source, interpreter.
install_environment() {
	venv=$base/.venv
	# Without the mark it was never completed, so nothing runs from it. With a loan, this run has just begun it.
	if [ ! -f "$venv/complete" ] && [ -z "$lent" ]; then rm -rf "$venv"; fi
	choose_tool
	try_install fill_environment || return
	: >"$venv/complete"
	rm -rf "$base/.cache"
	source=made interpreter=$venv/bin/python
	remember_environment
}

# Chooses uv if it is there. Where the user has no store of credentials for it, it is to leave its lock for one in ours.
# Uses base. Sets tool, store.
choose_tool() {
	if command -v uv >/dev/null 2>&1; then tool=uv; else tool=pip; fi
	store=${UV_CREDENTIALS_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/uv/credentials}
	if [ ! -e "$store" ]; then store=$base/.cache/credentials; fi
}

# Does what installs something, and tells why if that fails. Uses tool, phrase.
try_install() { # function
	failed=failed.new.$$
	output=$({ "$1" || : >"$failed"; } 2>&1 </dev/null | narrate)
	if [ ! -f "$failed" ]; then return; fi
	rm -f "$failed"
	if is_offline "$output"; then
		hint "$tool"
		put "the host cannot reach an index of packages: $phrase" >&2
	else
		put "$output$newline" | tail -n 8 >&2
	fi
	return 1
}

# Whether pip or uv found no way to an index. Sets phrase to the reason.
is_offline() { # what it printed
	for phrase in 'Temporary failure in name resolution' 'Name or service not known' 'failed to lookup address' \
		'Network is unreachable' 'No route to host' 'Connection refused' 'Connection reset' 'timed out' \
		'Cannot connect to proxy' 'connection broken by' 'client error (Connect)'; do
		case $1 in *"$phrase"*) return ;; esac
	done
	return 1
}

# Makes the environment if there is none, and gets its packages. Uses venv, requirements, packages, keeps.
fill_environment() {
	if [ ! -x "$venv/bin/python" ]; then make_venv "$venv" '' || return; fi
	set -f
	# shellcheck disable=SC2086 # lists of packages
	get_packages "$venv/bin/python" $requirements $packages || return
	if [ -n "$keeps" ]; then put_aside; fi
}

# Puts aside the pages of what keeps output, and what enables it: other profiles share the environment, and the pages
# of a server that does not keep output would fail with them. Uses venv.
put_aside() {
	for part in @jupyter/docprovider-extension @datalayer/jupyter-server-nbmodel; do
		from=$venv/share/jupyter/labextensions/$part into=$venv/kept/labextensions/$part
		if [ ! -d "$from" ]; then continue; fi
		mkdir -p "${into%/*}" && rm -rf "$into" && mv "$from" "$into" || return
	done
	for part in server_nbmodel server_fileid collaboration; do
		rm -f "$venv/etc/jupyter/jupyter_server_config.d/jupyter_$part.json"
	done
}

# Makes an empty environment, by that interpreter, or by the system's. Uses tool, base.
make_venv() { # folder interpreter
	if [ "$tool" = pip ]; then
		"${2:-python3}" -m venv "$1"
	elif [ -n "$2" ]; then
		UV_CACHE_DIR=$base/.cache uv venv -q "$1" --python "$2"
	elif found=$(UV_CACHE_DIR=$base/.cache uv python find --system 2>/dev/null); then
		UV_CACHE_DIR=$base/.cache uv venv -q "$1" --python "$found"
	else
		UV_PYTHON_INSTALL_DIR=$base/.python UV_CACHE_DIR=$base/.cache by_loan uv venv -q "$1" # it fetches one
	fi
}

# Gets packages into an environment. Uses tool, base, store, lent.
get_packages() { # interpreter, and what `pip install` takes
	into=$1
	shift
	if [ -z "$lent" ]; then reach_index "$into" || return; fi
	if [ "$tool" = uv ]; then
		UV_CREDENTIALS_DIR=$store UV_CACHE_DIR=$base/.cache by_loan uv pip install --no-progress --compile-bytecode --python "$into" "$@"
	else
		by_loan "$into" -m pip install --disable-pip-version-check --progress-bar off --cache-dir "$base/.cache" "$@"
	fi
}

# Whether the index answers, within seconds where pip would try for minutes. If not, prints what pip or uv says. What else
# may be wrong shows when packages are fetched. Uses tool.
reach_index() { # interpreter
	reply=reply.new.$$ status=0
	if [ "$tool" = uv ]; then
		UV_HTTP_TIMEOUT=5 UV_HTTP_CONNECT_TIMEOUT=5 UV_HTTP_RETRIES=0 uv pip compile -q --no-cache --no-deps --no-header \
			--python "$1" - >"$reply" 2>&1 3>&- <<EOF &
pip
EOF
	else
		"$1" -m pip index versions pip --disable-pip-version-check --timeout 5 --retries 1 >"$reply" 2>&1 3>&- &
	fi
	try=$!
	{
		sleep 8
		kill "$try"
	} >/dev/null 2>&1 3>&- &
	watch=$!
	wait "$try" || status=$?
	# Some shells lose a milder signal to a process that has only just begun; others say what has become of it.
	{
		kill -9 "$watch"
		wait "$watch"
	} 2>/dev/null || :
	text=$(cat "$reply")
	rm -f "$reply"
	if [ "$status" -gt 128 ]; then
		put "${text:+$text$newline}an index of packages is not to be reached: timed out$newline"
	elif [ "$status" = 0 ] || ! is_offline "$text"; then
		return
	else
		put "$text$newline"
	fi
	return 1
}

# Runs what fetches packages: through the index that is lent, if there is one. Its proxy holds a secret, which is in the
# environment of that command alone. Uses lent.
by_loan() { # command...
	if [ -z "$lent" ]; then
		"$@"
	else
		(
			take_loan "$1"
			"$@"
		)
	fi
}

# Has pip or uv go by the index that is lent, whatever other proxy and index the host names.
# Uses tool, lent, lent_index, lent_more.
take_loan() { # interpreter
	export HTTPS_PROXY="$lent" https_proxy="$lent" NO_PROXY='' no_proxy=''
	if [ "$tool" = uv ]; then
		export UV_DEFAULT_INDEX="$lent_index" UV_INDEX_URL="$lent_index" UV_INDEX="$lent_more" UV_EXTRA_INDEX_URL="$lent_more"
		return
	fi
	export PIP_INDEX_URL="$lent_index"
	chosen=$("$1" -m pip config list 2>/dev/null)
	case $lent_more:$chosen in
	:*extra-index-url=*) export PIP_EXTRA_INDEX_URL="$lent_index" ;;
	?*) export PIP_EXTRA_INDEX_URL="$lent_more" ;;
	esac
	case $chosen in *.proxy=*) export PIP_PROXY="$lent" ;; esac
}

# Records the environment to use, for the next look. Uses source, interpreter, environment_probe, packages, question.
# Sets file, mode, size, content.
remember_environment() {
	pose_question
	# shellcheck disable=SC2086 # a list of packages
	found=$(cd / && set -f && "$interpreter" -Bc "$environment_probe" "$source" $packages 2>&1 </dev/null) || {
		put "$found" >&2
		return 1
	}
	# The files that it depends on, one per line.
	files=$(put "$found" | "$interpreter" -BI -c 'import json, sys; print("\n".join(json.load(sys.stdin)["files"]))') ||
		return 1
	file=environment mode=600 content="$question
$found
$files"
	size=$(put "$content" | wc -c)
	write_file
}
