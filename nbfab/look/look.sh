# shellcheck shell=sh
# Everything on the host that a plan depends on. Changes nothing.

# Functions set a variable if they run at every look: each `$(...)` costs a process.

# Prints every fact. Uses profile, base. Sets folder.
look() {
	add_known_places
	find_base
	folder=$base/$profile
	look_choices
	look_host
	look_directory
	look_files
	print_facts
	look_environments
	look_envs
	look_kernels
	print_facts
	look_server
	look_at_boot
	print_facts
}

# Adds the places where people without root put programs: an exec channel has a bare PATH. An environment of Python's
# knows its own home.
add_known_places() {
	unset PYTHONHOME
	for place in "$HOME/.local/bin" "$HOME/bin" "$HOME/.cargo/bin" /usr/local/bin /opt/homebrew/bin /snap/bin \
		"$HOME/miniforge3/bin" "$HOME/miniconda3/bin" "$HOME/mambaforge/bin" "$HOME/anaconda3/bin" /opt/conda/bin; do
		case ":$PATH:" in *":$place:"*) ;; *) PATH=$PATH:$place ;; esac
	done
}

# The folder of all profiles. Sets base.
find_base() {
	case ${XDG_DATA_HOME-} in /*) base=$XDG_DATA_HOME/nbfab ;; *) base=$HOME/.local/share/nbfab ;; esac
}

# Prints the version of a Python.
release_of() { # interpreter
	"$1" -BIS -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null </dev/null
}

# Resolves ~ in a path; a relative one is relative to the home folder. Sets absolute.
make_absolute() { # path
	# shellcheck disable=SC2088 # the tilde as it was typed
	case $1 in
	'' | '~') absolute=$HOME ;;
	"~/"*) absolute=$HOME/${1#??} ;;
	/*) absolute=$1 ;;
	*) absolute=$HOME/$1 ;;
	esac
}
