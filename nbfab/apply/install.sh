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
# Uses base, phrase. Sets venv, tool, source, interpreter.
install_environment() {
	venv=$base/.venv failed=failed.new.$$
	# Without the mark it was never completed, so nothing runs from it.
	if [ ! -f "$venv/complete" ]; then rm -rf "$venv"; fi
	if command -v uv >/dev/null 2>&1; then tool=uv; else tool=pip; fi
	output=$({ fill_environment || : >"$failed"; } 2>&1 </dev/null | narrate)
	if [ -f "$failed" ]; then
		rm -f "$failed"
		if is_offline "$output"; then
			hint "$tool"
			put "the host cannot reach an index of packages: $phrase" >&2
		else
			put "$output$newline" | tail -n 8 >&2
		fi
		return 1
	fi
	: >"$venv/complete"
	rm -rf "$base/.cache"
	source=made interpreter=$venv/bin/python
	remember_environment
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

# Makes the environment if there is none, and gets its packages. Uses base, venv, requirements, packages, tool.
fill_environment() {
	if [ "$tool" = uv ]; then
		export UV_CACHE_DIR="$base/.cache"
		if [ ! -x "$venv/bin/python" ]; then
			set -- uv venv -q "$venv"
			if found=$(uv python find --system 2>/dev/null); then
				set -- "$@" --python "$found"
			else
				export UV_PYTHON_INSTALL_DIR="$base/.python" # it fetches one
			fi
			"$@" || return
		fi
		set -- uv pip install --no-progress --compile-bytecode --python "$venv/bin/python"
	else
		if [ ! -x "$venv/bin/python" ]; then python3 -m venv "$venv" || return; fi
		set -- "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off --cache-dir "$base/.cache"
	fi
	set -f
	# shellcheck disable=SC2086 # lists of packages
	"$@" $requirements $packages
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
