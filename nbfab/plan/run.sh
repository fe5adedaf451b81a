# shellcheck shell=sh
# What tmux runs, in the profile's folder: the server, with a log and a record of which process it is.

# Uses digest, python, needed.
run_server() { # argument of python...
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
		exec "$python" "$@"
	) 2>&1 | tee -i -a server.log
}
