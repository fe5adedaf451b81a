# shellcheck shell=sh
# An environment for the profile's kernel, beside those that there are.

# Makes one, with the packages of `lines` and those `carried` over, and sees that a kernel starts from it. It is never
# changed afterwards, so one without its record was never completed.
# Uses folder, name, digest, carried, kernel_probe, packages_there. Sets env, packages_there.
build_env() {
	env=$folder/envs/$name
	rm -rf "$env"
	mkdir -p "$folder/envs" || return
	choose_tool
	try_install fill_env || {
		rm -rf "$env"
		return 1
	}
	started=$("$env/bin/python" -BI -c "$kernel_probe" 2>&1 </dev/null) || {
		put "no kernel starts from it: $(put "$started$newline" | tail -n 1)" >&2
		rm -rf "$env"
		return 1
	}
	list_packages "$env"
	record="input $digest${newline}carried $carried$newline"
	while [ -n "$packages_there" ]; do
		installed=${packages_there%%"$newline"*} # posh gets this wrong within quotes
		record="${record}has ${installed%+}$newline"
		packages_there=${packages_there#*"$newline"}
	done
	put "$record" >"$env/made.new" && mv "$env/made.new" "$env/made"
}

# Fills it. What a kernel needs comes by itself, and after the rest, where the lines have hashes and so all has to.
# Uses env, base, base_python, lines, constraints, carried, needs, early, tool, wheels.
fill_env() {
	check_room 30 || return
	make_venv "$env" "$base_python" || return
	if [ -n "$wheels" ]; then
		get_packages "$env/bin/python"
		return
	fi
	wants=$base/.cache/env-lines holds=$base/.cache/env-constraints
	put "$lines" >"$wants" || return
	put "$constraints" >"$holds" || return
	if [ "$tool" = pip ]; then own_pip "$env/bin/python" || return; fi
	allow_early
	set -f
	# shellcheck disable=SC2086 # lists of packages, or nothing
	{
		if [ -n "$needs" ]; then
			get_packages "$env/bin/python" $early -r "$wants" || return
			: >"$wants"
		fi
		get_packages "$env/bin/python" $early -r "$wants" -c "$holds" $carried $needs
	}
}

# What pip and uv call it that releases before the final one count. Uses tool, pre. Sets early.
allow_early() {
	early=
	if [ -z "$pre" ]; then return; fi
	if [ "$tool" = uv ]; then early=--prerelease=allow; else early=--pre; fi
}

# Makes sure that an environment has a pip that can tell what it would install.
own_pip() { # interpreter
	if "$1" -BI -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 2))' 2>/dev/null; then
		return
	fi
	get_packages "$1" --upgrade pip
}

# Removes one, unless a process has come to use it. Uses folder, env.
remove_env() {
	env=$folder/envs/$env
	if is_used "$env"; then return; fi
	# Without its record it counts no more, also if this is cut.
	rm -f "$env/made" && rm -rf "$env"
}
