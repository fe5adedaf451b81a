# shellcheck shell=sh
# An environment with the notebook, beside the profiles.

narrate() { # every line of a long command is heard, and the last ones kept for its error
	while IFS= read -r line; do
		say "$line"
		printf '%s\n' "$line"
	done
}

install_environment() { # app python code_of_environment package...
	app=$1 asked=$2 code=$3
	shift 3
	# shellcheck disable=SC2154 # find_base has set it
	venv=$base/.venv
	# Without the mark it was never finished, so nothing runs from it.
	if [ ! -f "$venv/complete" ]; then rm -rf "$venv"; fi
	if command -v uv >/dev/null 2>&1; then
		make='uv venv -q' get='uv pip install --no-progress --python'
	else
		make='python3 -m venv' get=pip
	fi
	output=$({
		# shellcheck disable=SC2086 # the words of the commands above
		if [ ! -x "$venv/bin/python" ] && ! $make "$venv"; then
			echo "FAILED: $make"
		elif [ "$get" = pip ]; then
			"$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@" || echo FAILED: pip
		else
			$get "$venv/bin/python" "$@" || echo FAILED: uv
		fi
	} 2>&1 </dev/null | narrate)
	case $output in
	*FAILED:*)
		printf '%s\n' "$output" | tail -n 8 >&2
		return 1
		;;
	esac
	: >"$venv/complete" && remember_environment "$app" "$asked" "$code" made "$venv/bin/python"
}

remember_environment() { # app python code_of_environment source interpreter: what look found, for the next look
	found=$(cd / && "$5" -c "$3" "$4" 2>&1 </dev/null) || {
		echo "$found" >&2
		return 1
	}
	# The files that the answer rests on, one a line.
	files=$(cd / && printf '%s' "$found" | "$5" -c 'import json, sys; print("\n".join(json.load(sys.stdin)["files"]))') || return 1
	text="$1 $2
$found
$files"
	write_file environment 600 "$(printf '%s' "$text" | wc -c)" "$text"
}
