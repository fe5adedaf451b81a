# shellcheck shell=sh
# The environments that are to be in the menu of kernels, and what their files tell of them: no interpreter runs for that.

# Uses kernels.
look_kernels() {
	if [ -z "$kernels" ]; then return; fi
	fact kernels.bash "$(command -v bash)"
	fact kernels.conda "$(command -v conda || command -v mamba || command -v micromamba)"
	fact kernels.uv "$(command -v uv)"
	todo=$kernels
	while [ -n "$todo" ]; do
		kernel=${todo%%"$newline"*} # posh gets this wrong within quotes
		todo=${todo#*"$newline"}
		case $kernel in
		*/* | '~'*) look_kernel_at "$kernel" ;;
		*) look_kernel_named "$kernel" ;;
		esac
	done
	print_facts
}

# The environment, or the interpreter, at a path. Uses absolute.
look_kernel_at() { # path
	make_absolute "$1"
	at=${absolute%/}
	if [ ! -e "$at" ]; then
		fact kernels.missing "$1$newline$at does not exist"
	elif [ -d "$at" ]; then
		if [ -x "$at/bin/python" ]; then
			tell_kernel "$1" "$at" "$at/bin/python"
		else
			fact kernels.missing "$1$newline$at has no bin/python"
		fi
	elif [ -x "$at" ]; then
		tell_python "$1" "$at"
	else
		fact kernels.missing "$1$newline$at is not a program"
	fi
}

# The environment that an interpreter belongs to; one that is a link from elsewhere belongs to where that leads. Uses has.
tell_python() { # path that was given, interpreter
	case $2 in */bin/*) top=${2%/bin/*} ;; *) top=${2%/*} ;; esac
	inspect "$top"
	case $has in "$newline"*)
		if [ -L "$2" ] && leads=$(readlink -f "$2"); then
			case $leads in */bin/*) top=${leads%/bin/*} ;; esac
		fi
		;;
	esac
	tell_kernel "$1" "${top:-/}" "$2"
}

# The environment of that name: where it was when it came into the menu, if it is there, or where it is found.
# Uses folder, searches, matches, names. Sets matches.
look_kernel_named() { # name
	for note in "$folder"/share/jupyter/kernels/nbfab.*/environment; do
		if [ ! -f "$note" ]; then continue; fi
		was='' at=''
		{ IFS= read -r was && IFS= read -r at; } <"$note" || :
		if [ "$was" = "$1" ] && [ -x "$at/bin/python" ]; then
			tell_kernel "$1" "$at" "$at/bin/python"
			return
		fi
	done
	if [ -z "$searches" ]; then
		fact kernels.unsought yes
		return
	fi
	seek "$1"
	met=''
	while [ -n "$matches" ]; do
		at=${matches%%"$newline"*} at=${at#* }
		matches=${matches#*"$newline"}
		if [ -x "$at/bin/python" ]; then # a folder in the home may have the name, and be no environment
			met=yes
			tell_kernel "$1" "$at" "$at/bin/python"
		fi
	done
	if [ -z "$met" ]; then
		fact kernels.missing "$1$newline"
		fact kernels.names "$names"
	fi
}

# Keeps an environment, as `Place` has it. Uses kind, called, has.
tell_kernel() { # name or path that was given, folder, interpreter
	kind_of "$2"
	inspect "$2"
	fact kernels.found "$1$newline$kind$newline$called$newline$2$newline$3$newline$has"
}

# Whose environment it is, by its files. Sets kind, called.
kind_of() { # folder
	called=${1##*/} kind=folder
	if [ -d "$1/condabin" ]; then called=base; fi
	case $1 in
	/ | /usr | /usr/local) kind=system ;;
	*) if [ -d "$1/conda-meta" ]; then kind=conda; elif [ -f "$1/pyvenv.cfg" ]; then kind=venv; fi ;;
	esac
}

# What the files of an environment tell of it, by conda's records, the venv's, or the folders of the packages: the version
# of Python, those of ipykernel and the notebook, whether it has pip, and whether conda has more than usual to activate.
# Uses release, inherits, origin, ipykernel, notebook, pip. Sets release, inherits, origin, ipykernel, notebook, pip, has.
inspect() { # folder
	release='' ipykernel='' notebook='' pip='' activates='' inherits='' origin=''
	for meta in "$1"/conda-meta/python-[23].*.json; do
		if [ -e "$meta" ]; then release=${meta##*/python-} release=${release%%-*}; fi
	done
	if [ -f "$1/pyvenv.cfg" ] && [ -r "$1/pyvenv.cfg" ]; then read_venv <"$1/pyvenv.cfg"; fi
	if [ -z "$release" ]; then guess_release "$1"; fi
	case $release in *[!0-9A-Za-z.+_-]*) release='' ;; esac
	minor=3
	case $release in 3.*) minor=${release#3.} minor=3.${minor%%.*} ;; esac
	for script in "$1"/etc/conda/activate.d/*.sh "$1"/etc/conda/env_vars.d/*.json "$1/conda-meta/state"; do
		if [ -f "$script" ]; then activates=yes; fi
	done
	if [ "$1" = /usr ]; then
		origin=/usr/bin inherits=true
	else
		inspect_packages "$1/lib/python$minor/site-packages" "$1/lib64/python$minor/site-packages" \
			"$1/lib/python${minor}t/site-packages"
	fi
	case $inherits:$origin in
	true:/usr/bin)
		inspect_packages "/usr/local/lib/python$minor/dist-packages" "/usr/local/lib/python$minor/site-packages" \
			/usr/lib/python3/dist-packages "/usr/lib/python$minor/site-packages" "/usr/lib64/python$minor/site-packages"
		;;
	true:*) inspect_packages "${origin%/bin}/lib/python$minor/site-packages" ;;
	esac
	has=$release$newline$ipykernel$newline$notebook$newline$pip$newline$activates
}

# Reads a pyvenv.cfg on standard input. Sets release, inherits, origin.
read_venv() {
	while IFS='=' read -r key value || [ -n "$key" ]; do
		value=${value# }
		case ${key%% *} in
		version | version_info) release=$value ;;
		include-system-site-packages) inherits=$value ;;
		home) origin=$value ;;
		esac
	done
	case $release in *.*.*.*) release=${release%."${release#*.*.*.}"} ;; esac
}

# By the folder of the standard library, and the name of the environment if that begins so. Sets release.
guess_release() { # folder
	if [ "$1" = /usr ] && release=$(readlink /usr/bin/python3); then
		release=${release##*python}
		return
	fi
	for library in "$1"/lib/python3.[0-9]*; do
		if [ -d "$library" ]; then release=${library##*/python} release=${release%t}; fi
	done
	titled=${1##*/}
	titled=${titled#cpython-}
	titled=${titled%%-*}
	if [ -n "$release" ]; then case $titled in "$release".*) release=$titled ;; esac fi
}

# Those packages that are in any of the folders; the first counts. Uses ipykernel, notebook. Sets ipykernel, notebook, pip.
inspect_packages() { # folder...
	for site in "$@"; do
		for record in "$site"/ipykernel-[0-9]*.*-info "$site"/notebook-[0-9]*.*-info "$site"/pip-[0-9]*.*-info; do
			if [ ! -e "$record" ]; then continue; fi
			package=${record##*/}
			of=${package#*-}
			of=${of%.*-info} of=${of%%-*}
			case $of in *[!0-9A-Za-z.+_!]*) continue ;; esac
			case $package in
			ipykernel-*) ipykernel=${ipykernel:-$of} ;;
			notebook-*) notebook=${notebook:-$of} ;;
			pip-*) pip=yes ;;
			esac
		done
	done
}
