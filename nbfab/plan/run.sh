# shellcheck shell=sh
# What tmux runs, in the profile's folder: the server, with a log and a record of which process it is.

# To be raised if a running server should take up a change here at its next restart; `takes.py` reads it.
: launcher 3

# Uses digest, python, needed.
run_server() { # argument of python...
	# The environment of a login, if it is started with one. Python takes it up whatever it holds, and no shell has to.
	if [ -f environ ] && [ -z "${NBFAB_ENVIRON-}" ]; then
		exec "$python" -BI -c 'import os, sys
read = [entry.split(b"=", 1) for entry in open("environ", "rb").read().split(b"\0") if b"=" in entry]
kept = [(name, value) for name, value in os.environb.items() if name == b"TERM"]
os.execve("/bin/sh", ["/bin/sh", sys.argv[1]], dict([*read, *kept, (b"NBFAB_ENVIRON", b"read")]))' "$0"
	fi
	unset NBFAB_ENVIRON
	mask=$(umask)
	umask 077
	for file in $needed; do
		# Without its configuration, Jupyter would start with its defaults.
		if [ ! -r "$file" ]; then
			echo "nbfab: $PWD/$file is missing, so the server is not started" | tee -a server.log
			return 1
		fi
	done
	# Nothing in ~/.jupyter and ~/.ipython is read; kernels that the user installed stay where Jupyter finds them.
	export JUPYTER_CONFIG_DIR="$PWD/jupyter" JUPYTER_RUNTIME_DIR="$PWD/runtime" IPYTHONDIR="$PWD/ipython"
	export JUPYTER_PATH="$PWD/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}" TRAITLETS_APPLICATION_RAISE_CONFIG_FILE_ERROR=1
	PATH=$(dirname "$python"):$PATH
	export PATH
	unset JUPYTER_CONFIG_PATH NBFAB_PASSWORD
	if [ -z "${LC_ALL-}${LANG-}" ]; then export LANG=C.UTF-8; fi
	# Control-C is for the server, which asks for confirmation; this shell must outlive it, or tmux would hang up on both.
	trap : INT
	runner=$$
	(
		self=$(exec sh -c 'echo "$PPID"')
		printf '%s\n' "$runner $self $(process_start "$self") $digest $(date +%s)" >started.new.$runner &&
			mv -f started.new.$runner started || exit 1
		umask "$mask"
		exec "$python" -B "$@" # its environment may be the user's own, and gets no compiled files
	) 2>&1 | tee -i -a server.log
}
