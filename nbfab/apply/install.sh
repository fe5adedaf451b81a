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

# Keeps others from installing meanwhile: the profiles share the environment, and `.cache`, where pip and uv keep what they
# fetch, and where what was sent is. Uses base. Sets locked.
begin_installing() {
	message=$(mkdir -p "$base/.cache" 2>&1) || refuse "$message"
	message=$(mkdir "$base/.cache/lock" 2>&1) || break_lock "$base/.cache/lock" "$message"
	locked=installing
	printf '%s\n' "$$ $(process_start "$$")" >"$base/.cache/lock/holder" || refuse "$base: cannot be written to, $(room)"
}

# What was fetched or sent is kept for another try only. Uses base. Sets locked.
end_installing() {
	# The lock goes last: another run may begin as soon as it is gone.
	find "$base/.cache" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +
	rm -rf "$base/.cache/lock"
	rmdir "$base/.cache" 2>/dev/null || :
	locked=yes
}

# Makes it, or adds to it.
# Uses base, lent, wheels. Sets venv, tool, source, interpreter.
install_environment() {
	venv=$base/.venv
	# Without the mark it was never completed, so nothing runs from it. With a loan, or what was sent, this run has just
	# begun it.
	if [ ! -f "$venv/complete" ] && [ -z "$lent$wheels" ]; then rm -rf "$venv"; fi
	choose_tool
	try_install fill_environment || return
	: >"$venv/complete"
	source=made interpreter=$venv/bin/python
	remember_environment
}

# Chooses uv if it is there; one that was sent comes before all others. Where the user has no store of credentials for it,
# it is to leave its lock for one in ours. Uses base, sent_uv. Sets tool, store.
choose_tool() {
	if [ -n "$sent_uv" ]; then PATH=$base/.cache/$sent_uv:$PATH; fi
	if command -v uv >/dev/null 2>&1; then tool=uv; else tool=pip; fi
	store=${UV_CREDENTIALS_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/uv/credentials}
	if [ ! -e "$store" ]; then store=$base/.cache/credentials; fi
}

# Does what installs something, and says why if that fails. Uses tool, phrase.
try_install() { # function
	failed=failed.new.$$
	output=$({ "$1" || : >"$failed"; } 2>&1 </dev/null | narrate)
	if [ ! -f "$failed" ]; then return; fi
	rm -f "$failed"
	if is_known "$output"; then
		put "$phrase" >&2
	elif is_offline "$output"; then
		hint "$tool"
		put "the host cannot reach an index of packages: $phrase" >&2
	else
		put "$output$newline" | tail -n 8 >&2
	fi
	return 1
}

# Whether something is wrong that can be said in a line. Uses base. Sets phrase to the reason.
is_known() { # what pip or uv printed
	case $1 in
	*'No space left on device'* | *'Disk quota exceeded'*)
		phrase="the disk is full: $(cd "$base" && room)"
		;;
	*'Read-only file system'* | *'Permission denied'*)
		phrase="it cannot be written to: $(put "$1$newline" | grep -e 'Read-only file system' -e 'Permission denied' | tail -n 1)"
		;;
	*'DO NOT MATCH THE HASHES'* | *'Hash mismatch'* | *'hash mismatch'*)
		phrase='a package is not the one that was promised: its hash is another'
		forget_wheels
		;;
	*'read from zip file'* | *BadZipFile* | *'.whl is invalid'* | *"' located at "*' is invalid'*)
		phrase='a package is broken: it is no zip archive'
		forget_wheels
		;;
	*) return 1 ;;
	esac
}

# So that they are sent once more. Uses base, wheels.
forget_wheels() {
	if [ -n "$wheels" ]; then rm -rf "$base/.cache/$wheels"; fi
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

# Makes the environment if there is none, and gets its packages. Uses venv, least, requirements, packages, keeps.
fill_environment() {
	if [ ! -x "$venv/bin/python" ]; then
		check_room 250 || return
		make_venv "$venv" '' "$least" || return
	fi
	if [ -n "$keeps" ] && [ ! -d "$venv/kept" ]; then disable_keepers || return; fi
	set -f
	# shellcheck disable=SC2086 # lists of packages
	get_packages "$venv/bin/python" $requirements $packages || return
	if [ -n "$keeps" ]; then put_aside; fi
}

# Whether the disk has room for an environment, before pip and uv fetch what they would not get onto it. Uses base.
check_room() { # megabytes that it takes at least
	free=$(cd "$base" && room)
	case ${free%% *} in '' | *[!0-9]*) return ;; esac # not every disk says so
	if [ "${free%% *}" -ge "$(($1 * 1024))" ]; then return; fi
	put "the disk is too full: an environment takes $1 MB at least, and there are $free$newline"
	return 1
}

# Disables what keeps output, in pages and servers, before it is there: other profiles share the environment, and this may
# be cut before it is put aside. Of such files, the last counts. By the first, the probe knows that it is not done.
# Uses venv. Sets etc.
disable_keepers() {
	etc=$venv/etc/jupyter
	mkdir -p "$etc/labconfig/page_config.d" "$etc/jupyter_server_config.d" || return
	put '{"disabledExtensions": {"@jupyter/docprovider-extension": true, "@datalayer/jupyter-server-nbmodel": true}}' \
		>"$etc/labconfig/page_config.d/zz_nbfab.json" || return
	put '{"ServerApp": {"jpserver_extensions":
{"jupyter_server_nbmodel": false, "jupyter_server_ydoc": false, "jupyter_server_fileid": false}}}' \
		>"$etc/jupyter_server_config.d/zz_nbfab.json"
}

# Puts aside the pages of what keeps output, and what enables it: the pages of a server that does not keep output would
# fail with them. Then nothing has to be disabled. Uses venv. Sets etc.
put_aside() {
	etc=$venv/etc/jupyter
	for part in @jupyter/docprovider-extension @datalayer/jupyter-server-nbmodel; do
		from=$venv/share/jupyter/labextensions/$part into=$venv/kept/labextensions/$part
		if [ ! -d "$from" ]; then continue; fi
		mkdir -p "${into%/*}" && rm -rf "$into" && mv "$from" "$into" || return
	done
	for part in jupyter_server_nbmodel jupyter_server_fileid jupyter_collaboration zz_nbfab; do
		rm -f "$etc/jupyter_server_config.d/$part.json" || return
	done
	rm -f "$etc/labconfig/page_config.d/zz_nbfab.json"
}

# Makes an empty environment, by that interpreter, or by the system's if that is no older. Uses tool, base.
make_venv() { # folder interpreter [version]
	if [ "$tool" = pip ]; then
		said=$("${2:-python3}" -m venv "$1" 2>&1) || copy_pip "$1" "$2" || {
			put "$said$newline"
			return 1
		}
	elif [ -n "$2" ]; then
		UV_CACHE_DIR=$base/.cache uv venv -q "$1" --python "$2"
	elif found=$(UV_CACHE_DIR=$base/.cache uv python find --system ">=${3:-3.9}" 2>/dev/null); then
		UV_CACHE_DIR=$base/.cache uv venv -q "$1" --python "$found"
	else
		# It fetches one.
		UV_PYTHON_INSTALL_DIR=$base/.python UV_CACHE_DIR=$base/.cache by_loan uv venv -q "$1" --python ">=${3:-3.9}"
	fi
}

# Makes an empty environment, with the pip of the interpreter that makes it: where Python cannot bring its own, as on
# Debian without python3-venv, the environment of the server may have one.
copy_pip() { # folder interpreter
	if [ -z "$2" ]; then return 1; fi
	site=$("$2" -BIc 'import os, pip; print(os.path.dirname(pip.__path__[0]))' 2>/dev/null) || return
	"$2" -m venv --clear --without-pip "$1" >/dev/null 2>&1 &&
		cp -R "$site/pip" "$site"/pip-*.dist-info "$1"/lib/python*/site-packages &&
		"$1/bin/python" -BIm pip --version >/dev/null 2>&1
}

# Gets packages into an environment: those that were sent, if any were. Uses tool, base, store, wheels, lent.
get_packages() { # interpreter, and what `pip install` takes
	into=$1
	shift
	if [ -n "$wheels" ]; then
		sent=$base/.cache/$wheels
		set -- --no-index --find-links "$sent" --require-hashes -r "$sent/requirements.txt"
	elif [ -z "$lent" ]; then
		reach_index "$into" || return
	fi
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
		"$1" -m pip index --help >/dev/null 2>&1 3>&- || : # which reads what a slow disk takes seconds for
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
