#!/bin/sh
# Installs what the tests need on Debian and its like, and runs them: sh tests/run.sh [pytest's arguments]
# With --fast first: those that need no sshd, notebook server, tmux, browser or package index; nothing is installed for
# them but the development tools.
set -eu
cd "$(dirname "$0")/.."
if [ "${1-}" = --fast ]; then
	shift
	exec sh bootstrap.sh --group dev pytest -m 'not real' "$@"
fi
packages="openssh-server openssh-client tmux openssl procps dash busybox mksh posh yash fish tcsh zsh socat iproute2
	shellcheck shfmt chromium libnss3-tools fonts-dejavu-core jupyter-notebook python3-venv git
	systemd libpam-systemd dbus polkitd cron firefox-esr ca-certificates curl wget nodejs gron dropbear-bin"
missing=
for package in $packages; do
	if ! dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed'; then missing="$missing $package"; fi
done
if [ -n "$missing" ]; then
	root=
	if [ "$(id -u)" != 0 ]; then root=sudo; fi
	if [ -n "$root" ] && ! command -v sudo >/dev/null 2>&1; then
		echo "tests/run.sh: install what is missing: su - root -c 'apt-get update && apt-get install$missing'" >&2
		exit 1
	fi
	$root apt-get update -q
	# shellcheck disable=SC2086 # a list of names
	DEBIAN_FRONTEND=noninteractive $root apt-get install -y -q --no-install-recommends $missing
fi
# Three at a time, since part of a test is waiting; in a folder with a short path, since sockets are in there. A process of
# pytest's that crashes ends the run: xdist would wait for the rest of its tests for ever.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sh bootstrap.sh --group dev pytest --numprocesses 3 --dist loadfile --max-worker-restart 0 --basetemp "$folder" "$@"
