# shellcheck shell=sh
# The Pythons that may have the notebook.

# What was found last time holds as long as all of it still exists.
# Uses folder, python, question, found, searches. Sets interpreter.
look_environments() {
	interpreter=
	pose_question
	if [ -f "$folder/environment" ] && remembered "$question" <"$folder/environment" && still_lacks; then
		fact environments.remembered yes
		put "{\"environments.found\":$found}$newline"
		# A package that it lacks may be the system's to install.
		case $interpreter:$found in
		*'"matplotlib"'*) ;;
		/usr/bin/* | /bin/*) look_system ;;
		esac
		return
	fi
	look_system
	case $python in
	'') look_everywhere ;;
	new)
		look_made
		look_tools
		;;
	*/* | '~'*) look_asked "$python" ;;
	*) if [ -n "$searches" ]; then look_named "$python"; else fact environments.unsought yes; fi ;;
	esac
}

# What an environment is found for, as its record has it. Uses app, python. Sets question.
pose_question() {
	question="$app $python"
}

# Whether standard input has the answer to a question, and all files that it depends on exist.
# Sets found, interpreter, last.
remembered() { # question
	interpreter='' part='' last=''
	{ IFS= read -r was && IFS= read -r found; } || return 1
	# An earlier release noted packages, too.
	case $was in "$1" | "$1 --with "*) ;; *) return 1 ;; esac
	while IFS= read -r part || [ -n "$part" ]; do # the last line has no end
		[ -e "$part" ] || return 1
		interpreter=${interpreter:-$part} last=$part # it is the first
	done
}

# Whether an environment without matplotlib is as it was: what was installed since is younger than the record.
# Uses folder, found, last.
still_lacks() {
	case $found in *'"matplotlib"'*) return ;; esac
	[ -z "$(find "${last%/*}" -prune -newer "$folder/environment" 2>/dev/null)" ]
}

# Prints what a Python has of the notebook; fails if it does not run. Uses environment_probe, packages.
try_environment() { # source python
	[ -x "$2" ] || return 1
	# shellcheck disable=SC2086 # a list of packages
	answer=$(set -f && "$2" -Bc "$environment_probe" "$1" $packages 2>/dev/null </dev/null) || return 1
	put "{\"environments.found\":$answer}$newline"
}

# The environment, or the interpreter, at a path. Uses environment_probe, absolute.
look_asked() { # path
	make_absolute "$1"
	asked=$absolute
	if [ -d "$asked" ]; then asked=$asked/bin/python; fi
	try_environment asked "$asked" || fact environments.python_fails "$(
		if [ -x "$asked" ]; then
			"$asked" -Bc "$environment_probe" asked 2>&1 </dev/null | tail -n 1
		else
			put "$asked does not exist"
		fi
	)"
}

# Every environment, best first, and what there is to make one with. Uses here.
look_everywhere() {
	look_kept
	look_made
	login=$(/bin/sh -lc 'printf "\n%s\n" "$(command -v jupyter)"' 2>/dev/null </dev/null | tail -n 1)
	if [ ! -x "$login" ]; then login=$(command -v jupyter); fi
	if [ -x "$login" ]; then try_environment login "$(interpreter_of "$login")"; fi
	if [ -n "$here" ]; then try_environment here "$here"; fi
	look_tools
}

# The environment that the profile has had, where its record no longer holds, since a package was replaced or another app
# is asked for: people's kernels are not to find themselves in another one.
# Uses folder, question.
look_kept() {
	was='' kept=''
	if [ ! -f "$folder/environment" ]; then return; fi
	{ IFS= read -r was && read -r _ && IFS= read -r kept; } <"$folder/environment" || :
	case $was in
	'notebook ' | 'lab ' | 'notebook  --with '* | 'lab  --with '*) ;;
	*) return ;; # it was asked for, and no longer is
	esac
	case $was in
	"$question" | "$question --with "*) try_environment kept "$kept" ;;
	*) try_environment before "$kept" ;;
	esac
}

# The environment that nbfab has made. Uses base.
look_made() {
	if [ -f "$base/.venv/complete" ]; then try_environment made "$base/.venv/bin/python"; fi
}

# What there is to make an environment with. Uses releases.
look_tools() {
	fact environments.uv "$(command -v uv)"
	if [ -n "$releases" ] && uv_takes=$(uv python find --no-cache --system 2>/dev/null </dev/null); then
		fact environments.uv_python "$(release_of "$uv_takes")"
	fi
	python3=$(command -v python3)
	fact environments.python3 "$python3"
	if [ -z "$python3" ]; then return; fi
	if version=$("$python3" -BI -c 'import sys, venv, ensurepip; print("%d.%d.%d" % sys.version_info[:3])' 2>&1 </dev/null); then
		fact environments.venv "$version"
	else
		fact environments.venv_fails "${version##*"$newline"}"
	fi
}

# Prints the Python that a script runs with.
interpreter_of() { # script
	line=$(head -n 1 "$1" 2>/dev/null | tr -d '\000')
	case $line in
	'#!'*python*) line=${line#??} ;;
	*) line=$(sed -n '2s/^.*exec.* "\{0,1\}\(\/[^"]*python[0-9.]*\)"\{0,1\} .*$/\1/p' "$1" 2>/dev/null) ;;
	esac
	line=${line# }
	if [ -x "$line" ]; then printf '%s' "$line"; else printf '%s' "$(dirname "$1")/python3"; fi
}
