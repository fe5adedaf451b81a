# shellcheck shell=sh
# What bash runs where a kernel belongs to an environment of conda's: what `conda activate` does, without conda.

# Sets the variables that the environment's packages and its owner want, and runs the scripts that they have for that.
activate_conda() { # interpreter
	unset VIRTUAL_ENV
	eval "$("$1" -BIS -c 'import glob, json, os, shlex
prefix = os.environ["CONDA_PREFIX"]
for path in [*sorted(glob.glob(glob.escape(prefix) + "/etc/conda/env_vars.d/*.json")), prefix + "/conda-meta/state"]:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        for name, value in (found["env_vars"] if path.endswith("state") else found).items():
            if name.isidentifier() and value != "***unset***":
                print("export " + name + "=" + shlex.quote(str(value)))
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        pass' 2>/dev/null)"
	for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
		# shellcheck disable=SC1090 # the environment's own
		if [ -r "$script" ]; then . "$script"; fi
	done
}
