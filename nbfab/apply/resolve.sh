# shellcheck shell=sh
# What requirements come to, before anything is installed.

# Prints the packages that would be installed, NAME==VERSION each, with @COMMIT if it is from Git, as records; or why there
# are none. What it takes is in a folder of its own, which is removed.
# Uses lines, constraints, carried, phrase, fits. Sets base.
resolve() {
	add_known_places
	find_base
	folder=$(mktemp -d "${TMPDIR:-/tmp}/nbfab.XXXXXX") || return
	trap 'rm -rf "$folder"' EXIT
	trap 'exit 129' HUP
	trap 'exit 143' TERM
	trap '' PIPE # or it would end before the folder is gone, when no one is there to hear of it
	cd "$folder" || return
	base=$folder # where pip and uv keep what they fetch
	choose_tool
	put "$lines" >asked
	put "$constraints" >held
	if ask_resolver "$carried"; then
		report_packages "$carried"
	elif [ -n "$carried" ] && ask_resolver ''; then
		mv packages fitting
		fit_in "$carried"
		mv fitting packages
		report_packages "$fits"
	else
		if is_offline "$(cat words)"; then report offline 0 "$phrase"; fi
		report failed 0 "$(tail -n 8 words)"
	fi
	cd /
}

# Finds out which packages go together with the lines, by halves of those that do not; what that comes to is in `fitting`.
# Sets fits.
fit_in() { # packages, not all of which do
	fits='' groups=$(halve "$1")
	while [ -n "$groups" ]; do
		group=${groups%%"$newline"*} # posh gets this wrong within quotes
		groups=${groups#"$group"}
		groups=${groups#"$newline"}
		if [ "$group" = "$1" ]; then continue; fi # a single one
		if ask_resolver "$fits $group"; then
			fits="$fits $group"
			mv packages fitting
		elif [ "${group#* }" != "$group" ]; then
			groups=$(halve "$group")$newline$groups
		fi
	done
}

# Prints the halves of a list of packages, a line each.
halve() { # packages
	set -f
	# shellcheck disable=SC2086 # a list of packages
	set -- $1
	half='' left=$(($# / 2))
	while [ $left -gt 0 ]; do
		half="$half $1" left=$((left - 1))
		shift
	done
	put "${half# }$newline$*$newline" | sed '/^$/d'
}

# Has uv or pip resolve the lines and those packages, and keeps what it says. Uses base, base_python, tool, store, early.
ask_resolver() { # packages
	set -f
	# shellcheck disable=SC2086 # a list of packages
	printf '%s\n' $1 | cat asked - >all
	set +f
	allow_early
	if [ "$tool" = uv ]; then
		reach_index "${base_python:-python3}" >words || return
		UV_CREDENTIALS_DIR=$store UV_CACHE_DIR=$base/.cache uv pip compile -q --no-header --no-annotate --no-emit-index-url --no-strip-extras \
			--python "${base_python:-python3}" -c held ${early:+"$early"} all >packages 2>words </dev/null
		return
	fi
	if [ ! -x venv/bin/python ]; then
		{ make_venv venv "$base_python" && own_pip "$PWD/venv/bin/python"; } >words 2>&1 </dev/null || return
		reach_index "$PWD/venv/bin/python" >words || return
	fi
	venv/bin/python -m pip install --disable-pip-version-check --cache-dir "$base/.cache" --dry-run --ignore-installed -q \
		--report report -r all -c held ${early:+"$early"} >words 2>&1 </dev/null || return
	venv/bin/python -BI -c 'import json
for one in json.load(open("report", encoding="utf-8"))["install"]:
    commit = one.get("download_info", {}).get("vcs_info", {}).get("commit_id")
    print("%(name)s==%(version)s" % one["metadata"] + ("@" + commit if commit else ""))' >packages 2>>words
}

# Uses escaped, base_python.
report_packages() { # packages that were carried over
	while IFS= read -r line; do
		case $line in
		*' @ '*) # which has no version yet; uv names the commit
			found=${line#* @ }
			found=${found%% *}
			found=${found%%#*}
			case $found in git+*@*) found=@${found##*@} ;; *) found='' ;; esac
			line=${line%% *}==$found
			;;
		*==*) line=${line%%;*} ;;
		*) continue ;;
		esac
		escape "${line%% *}"
		put "{\"package\":\"$escaped\"}$newline"
	done <packages
	escape "$1"
	put "{\"carried\":\"$escaped\"}$newline"
	escape "$(release_of "${base_python:-python3}")"
	put "{\"python\":\"$escaped\"}$newline"
}
