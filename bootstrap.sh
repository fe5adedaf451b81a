#!/bin/sh
# Runs a command in nbfab's own environment (.venv), and makes that first where it is missing or out of date:
#     sh bootstrap.sh [--group GROUP] COMMAND [ARGUMENT...]
# It is made by uv, on PATH or not; else by pipx, which runs uv; else by Python's own venv and pip. Nothing is left
# outside this folder but what these keep in their caches.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
venv=$top/.venv
python=$venv/bin/python
own=$top/.bootstrap
group=

say() {
	printf 'bootstrap.sh: %s\n' "$1" >&2
}

if [ "${OS-}" = Windows_NT ]; then # Git Bash, MSYS or Cygwin
	say 'Windows itself is not supported: use WSL, which is Linux inside Windows, and get nbfab there'
	say 'fix: wsl --install'
	exit 2
fi

stamp() { # where the environment is, what it was made for, and what is in it
	printf '%s\n' "$venv"
	cksum <"$top/pyproject.toml"
	"$python" -V
	echo "$venv"/lib/python*/site-packages/*.dist-info | cksum
}

is_installed() {
	[ ! -e "$own/unfinished" ] && [ -x "$python" ] && [ -f "$venv/installed$group" ] &&
		[ "$(cat "$venv/installed$group")" = "$(stamp)" ]
}

install() {
	# An installation that was cut short may have left packages that only seem to be there, whichever tool made it;
	# the programs of an environment that was moved name their interpreter where it was.
	if [ -e "$own/unfinished" ] || was_moved || ! new_enough "$(version_of "$python")"; then rm -rf "$venv"; fi
	uv=$(first_that_knows 'run --project . --group dev --help' uv "${HOME-}/.local/bin/uv" "${HOME-}/.cargo/bin/uv") || uv=
	pipx=$(first_that_knows --version pipx "${HOME-}/.local/bin/pipx") || pipx=
	if [ -n "$uv$pipx" ]; then install_with_uv; else install_with_pip; fi
	for name in '' $group; do stamp >"$venv/installed$name"; done
	rm "$own/unfinished"
}

begin() {
	mkdir -p "$own"
	: >"$own/unfinished"
}

was_moved() {
	[ -f "$venv/installed" ] && [ "$(head -n 1 "$venv/installed")" != "$venv" ]
}

first_that_knows() { # arguments program...; what is on PATH may be too old, or a shim that leads nowhere
	arguments=$1
	shift
	for program; do
		# shellcheck disable=SC2086 # words
		if "$program" $arguments >/dev/null 2>&1; then
			printf '%s\n' "$program"
			return
		fi
	done
	return 1
}

install_with_uv() (
	begin
	unset VIRTUAL_ENV
	export UV_PROJECT_ENVIRONMENT="$venv"
	# Where there is no Python, uv fetches one, and would put it into the home folder.
	if ! run_uv python find --project "$top" >/dev/null 2>&1; then export UV_PYTHON_INSTALL_DIR="$own/python"; fi
	run_uv run --project "$top" ${group:+--group "$group"} python -c '' >&2
)

run_uv() {
	if [ -n "$uv" ]; then
		"$uv" "$@"
	else
		PIPX_HOME=$own/pipx PIPX_BIN_DIR=$own/pipx/bin PIPX_MAN_DIR=$own/pipx/man "$pipx" run uv "$@"
	fi
}

install_with_pip() {
	quiet=-q
	if ! has_pip; then
		base=$(find_python)
		say "making $venv, which takes a minute or two"
		quiet=
		begin
		rm -rf "$venv"
		"$base" -I -m venv "$venv" >&2
	fi
	begin
	# Older ones know no groups.
	if [ -n "$group" ]; then run_pip install -q 'pip>=25.1'; fi
	(cd "$top" && run_pip install $quiet -e '.[notebook]' ${group:+--group "$group"})
}

has_pip() { # an environment that uv made gets it here
	[ -x "$python" ] && { run_pip --version || "$python" -I -m ensurepip; } >/dev/null 2>&1
}

run_pip() {
	PIP_USER=0 "$python" -I -m pip --disable-pip-version-check "$@" >&2
}

find_python() { # prints one that can make environments, or says what to install
	old='' bare=''
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
		version=$(version_of "$candidate")
		if [ -z "$version" ]; then
			continue
		elif ! new_enough "$version"; then
			old=${old:-$version}
		elif ! "$candidate" -I -c 'import ensurepip, venv' 2>/dev/null; then
			bare=${bare:-$candidate}
		else
			printf '%s\n' "$candidate"
			return
		fi
	done
	if [ -n "$bare" ]; then
		say "$bare cannot make an environment: it lacks the module venv or ensurepip."
		how_to_install "$bare-venv" python3 python3 "Python's venv"
	elif [ -n "$old" ]; then
		say "nbfab needs Python 3.11 or newer, and python3 is $old."
		newer=
		for package in python3.14-venv python3.13-venv python3.12-venv python3.11-venv pipx; do
			if is_known_to_apt "$package"; then newer=${newer:-$package}; fi
		done
		how_to_install "$newer" python3.11 python311 'Python 3.11 or newer'
	else
		say 'there is no Python, which has to be 3.11 or newer.'
		how_to_install python3-venv python3 python3 'Python 3.11 or newer'
	fi
	return 1
}

version_of() { # python; prints nothing where it does not run
	"$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

new_enough() { # version
	case $1 in
	3.1[1-9] | 3.[2-9][0-9]) ;;
	*) return 1 ;;
	esac
}

is_known_to_apt() { # package
	[ -n "$(apt-cache show "$1" 2>/dev/null)" ]
}

how_to_install() { # the package for apt, dnf and zypper, and in plain words
	sudo=
	if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null 2>&1; then sudo='sudo '; fi
	if [ -n "$1" ] && command -v apt-get >/dev/null 2>&1; then
		fix="apt-get install $1"
		# A new container has no lists of packages yet.
		if ! is_known_to_apt "$1"; then fix="apt-get update && $sudo$fix"; fi
	elif command -v dnf >/dev/null 2>&1; then
		fix="dnf install $2"
	elif command -v zypper >/dev/null 2>&1; then
		fix="zypper install $3"
	elif command -v pacman >/dev/null 2>&1; then
		fix='pacman -S python'
	elif command -v apk >/dev/null 2>&1; then
		fix='apk add python3'
	elif command -v brew >/dev/null 2>&1; then
		say 'install it: brew install uv'
		return
	else
		say "install $4, or uv"
		return
	fi
	if [ "$(id -u)" = 0 ] || [ -n "$sudo" ]; then say "install it: $sudo$fix"; else say "install it: su - root -c '$fix'"; fi
}

if [ "${1-}" = --group ] && [ $# -gt 1 ]; then
	group=$2
	shift 2
fi
case ${1-} in
'' | -*)
	say 'usage: sh bootstrap.sh [--group GROUP] COMMAND [ARGUMENT...]'
	exit 2
	;;
esac
if ! is_installed; then
	# One run at a time, where there is flock; this file is the lock.
	exec 9<"$top/bootstrap.sh"
	if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
		say "another run is making $venv; this one goes on when it is done"
		flock 9 || true
	fi
	if ! is_installed; then install; fi
	exec 9<&-
fi
# So that nbfab, which is this process from here on, can say what to type.
export PATH="$venv/bin:$PATH" VIRTUAL_ENV="$venv" NBFAB_BOOTSTRAP="$$ $group $0"
exec "$@"
