"""Runs on the host: prints, as a line of JSON, what the server would import and read, and which kernels are broken.

Called as `python -c CODE APP`, in an environment like the server's. Fails as the server would, if a module cannot be
imported. Works with Python 3.8 and later.
"""

import importlib
import importlib.machinery
import json
import os
import sys

sys.path[:] = [path for path in sys.path if path]  # not the current folder
modules = ["jupyter_core", "ipykernel", "jupyterlab" if sys.argv[1] == "lab" else "notebook"]
strangers, versions = [], {"python": "%d.%d.%d" % sys.version_info[:3]}  # noqa: UP031
for name in modules:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # For the notebook, JupyterLab will do.
        if error.name != "notebook":
            raise
        module = importlib.import_module("jupyterlab")
    versions[module.__name__] = str(getattr(module, "__version__", ""))
    # Modules from elsewhere are fine, unless they hide those of the environment.
    homes = [path for path in sys.path if path.startswith(sys.prefix + os.sep)]
    own = importlib.machinery.PathFinder.find_spec(module.__name__, homes)
    if own and own.origin and os.path.realpath(own.origin) != os.path.realpath(module.__file__ or ""):
        strangers.append([module.__name__, module.__file__])

from jupyter_core.paths import jupyter_config_path, jupyter_path  # noqa: E402

configs = [os.path.join(place, "jupyter_config" + end) for place in jupyter_config_path() for end in (".py", ".json")]
broken = []
for folder in jupyter_path("kernels"):
    for name in sorted(os.listdir(folder))[:200] if os.path.isdir(folder) else ():
        try:
            with open(os.path.join(folder, name, "kernel.json"), encoding="utf-8") as file:
                program = json.load(file)["argv"][0]
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            program = os.path.join(folder, name, "kernel.json")
            broken.append([name, program, folder])
            continue
        if os.path.isabs(program) and not os.access(program, os.X_OK):
            broken.append([name, program, folder])
print(
    json.dumps(
        {
            "versions": versions,
            "strangers": strangers,
            "configs": [path for path in dict.fromkeys(configs) if os.path.exists(path)],
            "kernels": broken,
        }
    )
)
