# shellcheck shell=sh
# The Python that the server runs on: whether it works, and what would change what it reads.

# Uses folder, app, interpreter_probe, interpreter, alive, pid.
look_interpreter() {
	if [ -z "$interpreter" ] && [ -f "$folder/environment" ]; then
		{ read -r _ && read -r _ && read -r interpreter; } <"$folder/environment" || :
	fi
	fact interpreter.variables "$(env | list_variables)"
	if [ -n "$alive" ] && [ -r "/proc/$pid/environ" ]; then
		fact interpreter.variables "$(tr '\000' '\n' 2>/dev/null <"/proc/$pid/environ" | list_variables)"
	fi
	if [ -z "$interpreter" ]; then return; fi
	fact interpreter.path "$interpreter"
	print_facts
	if [ ! -x "$interpreter" ]; then
		fact interpreter.fails 'it is not there any more'
		return
	fi
	if answer=$(
		unset JUPYTER_CONFIG_PATH
		export JUPYTER_CONFIG_DIR="$folder/jupyter" JUPYTER_PATH="$folder/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}"
		"$interpreter" -Bc "$interpreter_probe" "$app" 2>&1 </dev/null
	); then
		put "{\"interpreter.probe\":${answer##*"$newline"}}$newline"
	else
		fact interpreter.fails "$(put "$answer" | tail -n 3)"
	fi
}

# Prints the names of variables that change what Python imports, never their values, from an environment on standard
# input.
list_variables() {
	awk -F= '$2 != "" && index(" PYTHONPATH PYTHONHOME PYTHONUSERBASE ", " " $1 " ") { print $1 }'
}
