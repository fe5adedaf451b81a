# shellcheck shell=sh
# The environments that the user has, found by their files alone: those of conda, mamba, venv, pipx, uv and pyenv.

# The one of that name, and what it has. If several have it, all of them; if none has, the names that there are.
# Uses matches, names. Sets matches.
look_named() { # name
	seek "$1"
	case $matches in
	'')
		fact environments.names "$names"
		return
		;;
	*"$newline"?*) one='' ;;
	*) one=${matches#* } ;;
	esac
	while [ -n "$matches" ]; do
		match=${matches%%"$newline"*} # posh gets this wrong within quotes
		fact environments.named "$match"
		matches=${matches#*"$newline"}
	done
	one=${one%"$newline"}
	if [ -n "$one" ]; then look_asked "$one"; fi
}

# Those that have a name: a line `KIND FOLDER` for each, or the names that there are.
# Sets sought, matches, places, names, listing.
seek() { # name
	sought=$1 matches='' places='' names='' listing=''
	search
	# In earlier releases, such a name was that of a folder in the home.
	if [ -d "$HOME/$1" ]; then meet_folder "$HOME/$1"; fi
}

# Every environment there is, and what its files tell of it: those of the user, that of nbfab, the system's, and any other
# that the profile or this run names. Uses base, has, interpreter, python, here, absolute, kind, called.
# Sets places, listing, sought, names, matches.
look_every() {
	sought='' matches='' names='' places='' listing=yes
	if [ -x "$base/.venv/bin/python" ]; then keep_place nbfab "$base/.venv" "nbfab's own"; fi
	search
	if [ -x /usr/bin/python3 ]; then
		inspect /usr
		fact kernels.every "${newline}system${newline}python3$newline/usr$newline/usr/bin/python3$newline$has"
	fi
	for named in "$interpreter" "$python" "$here"; do
		case $named in */* | '~'*) make_absolute "$named" ;; *) continue ;; esac
		near=${absolute%/}
		if [ ! -d "$near" ]; then near=${near%/bin/*}; fi
		kind_of "$near"
		case $kind:$called in
		system:*) continue ;;
		*:.venv | *:venv | *:env) called=${near%/*} called=${called##*/} ;;
		esac
		if [ -x "$near/bin/python" ]; then keep_place "$kind" "$near" "$called"; fi
	done
	print_facts
}

# Meets every environment.
search() {
	search_conda
	for place in "${WORKON_HOME:-$HOME/.virtualenvs}"/* "$HOME"/venvs/* "$HOME"/.venvs/* "$HOME/.venv" "$HOME/venv"; do
		if [ -f "$place/pyvenv.cfg" ]; then meet venv "$place" "${place##*/}"; fi
	done
	for place in "$HOME"/*/.venv "$HOME"/*/venv; do # uv's too; a project's is known by the project
		project=${place%/*}
		if [ -f "$place/pyvenv.cfg" ]; then meet venv "$place" "${project##*/}"; fi
	done
	case ${XDG_DATA_HOME-} in /*) data=$XDG_DATA_HOME ;; *) data=$HOME/.local/share ;; esac
	for place in "${PIPX_HOME:-$data/pipx}"/venvs/* "$HOME"/.local/share/pipx/venvs/* "$HOME"/.local/pipx/venvs/*; do
		meet pipx "$place" "${place##*/}"
	done
	for place in "${UV_TOOL_DIR:-$data/uv/tools}"/* "${UV_PYTHON_INSTALL_DIR:-$data/uv/python}"/*; do
		meet uv "$place" "${place##*/}"
	done
	for place in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/* "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/envs/*; do
		meet pyenv "$place" "${place##*/}"
	done
}

# Meets those of conda and mamba: conda's own list of them, and the folders that they are in.
search_conda() {
	if [ -r "$HOME/.conda/environments.txt" ]; then
		while IFS= read -r line || [ -n "$line" ]; do meet_conda "${line%/}"; done <"$HOME/.conda/environments.txt"
	fi
	IFS=:
	set -f
	# shellcheck disable=SC2086 # lists of folders
	set -- ${CONDA_ENVS_PATH-} ${CONDA_ENVS_DIRS-} "${MAMBA_ROOT_PREFIX:-$HOME/micromamba}/envs" "$HOME/.conda/envs"
	set +f
	unset IFS
	for root in "$HOME/miniforge3" "$HOME/mambaforge" "$HOME/miniconda3" "$HOME/anaconda3" "$HOME/micromamba" \
		/opt/conda /opt/miniforge3 /opt/mambaforge /opt/miniconda3 /opt/anaconda3; do
		meet_conda "$root"
		set -- "$@" "$root/envs"
	done
	for envs in "$@"; do
		for prefix in "$envs"/*; do meet_conda "$prefix"; done
	done
	for file in "$HOME/.condarc" "$HOME/.conda/.condarc" "$HOME/.mambarc" /etc/conda/.condarc; do
		if [ -f "$file" ] && [ -r "$file" ]; then search_condarc <"$file"; fi
	done
}

# Meets those in the folders that a .condarc, on standard input, lists as envs_dirs.
search_condarc() {
	listed=
	while IFS= read -r row || [ -n "$row" ]; do
		case $row in
		envs_dirs:* | envs_path:*) listed=yes ;;
		'#'*) ;;
		[!\ -]*) listed= ;;
		*'- '*)
			if [ -z "$listed" ]; then continue; fi
			row=${row#*- }
			case $row in \"*\" | \'*\') row=${row#?} row=${row%?} ;; esac
			case $row in \~/*) row=$HOME${row#?} ;; esac
			for each in "$row"/*; do meet_conda "$each"; done
			;;
		esac
	done
}

# Meets an environment of conda's; the one that has conda itself is called base.
meet_conda() { # folder
	if [ -d "$1/condabin" ]; then meet conda "$1" base; else meet conda "$1" "${1##*/}"; fi
}

# Keeps an environment, if it is one: it if it has the name that is sought, or else its name.
# Uses sought, names, listing. Sets names.
meet() { # kind folder name
	case $2 in *"$newline"*) return ;; /*) ;; *) return ;; esac
	if [ ! -x "$2/bin/python" ]; then return; fi
	case $listing:$3 in
	yes:* | ":$sought") keep_place "$1" "$2" "$3" ;;
	*) if [ ${#names} -lt 4000 ]; then names=$names$3$newline; fi ;;
	esac
}

# Keeps a folder in the home, unless it is an environment that was met, or holds one.
# Uses places.
meet_folder() { # folder
	for inside in "$1" "$1/.venv" "$1/venv"; do
		target=$(cd "$inside" 2>/dev/null && pwd -P)
		case $newline$places in *"$newline${target:-none}$newline"*) return ;; esac
	done
	keep_place folder "$1" "${1##*/}"
}

# Keeps a place under whichever path it was met first.
# Uses places, matches, listing, has. Sets places, matches.
keep_place() { # kind folder name
	real=$(cd "$2" 2>/dev/null && pwd -P)
	case $newline$places in *"$newline$real$newline"*) return ;; esac
	places=$places$real$newline
	if [ -n "$listing" ]; then
		inspect "$2"
		fact kernels.every "$newline$1$newline$3$newline$2$newline$2/bin/python$newline$has"
	else
		matches="$matches$1 $2$newline"
	fi
}
