"""Step 3: the profile: its folder, the IPython profile with inline graphics, and a kernel that uses it."""

import json
from collections.abc import Iterator

from nbfab.change import Change
from nbfab.facts import Facts
from nbfab.settings import kernel_name
from nbfab.steps.files import in_file
from nbfab.steps.install import choose
from nbfab.wanted import Wanted

IPYTHON = """\
# Written by nbfab, and replaced by it.
c = get_config()
c.IPKernelApp.matplotlib = "inline"
"""


def profile(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The folder is made private, and the IPython profile and the kernel are written."""
    name = wanted.settings.profile
    mode = facts.modes.get(".")
    if mode != "drwx------":
        what = f"make the folder {facts.folder}" if mode is None else f"make {facts.folder} private: its mode is {mode}"
        yield Change("profile", what, "chmod", ("700", "."))
    path = f"ipython/profile_{name}/ipython_kernel_config.py"
    yield from in_file("profile", "the IPython profile with inline graphics", path, facts.ipython_file, IPYTHON, facts)
    path = f"share/jupyter/kernels/{kernel_name(name)}/kernel.json"
    python = choose(wanted, facts).python
    yield from in_file(
        "profile", f"the kernel {kernel_name(name)}", path, facts.kernel_file, _kernel(name, python), facts
    )


def _kernel(name: str, python: str) -> str:
    spec = {
        "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}", f"--profile={name}"],
        "display_name": f"Python 3 ({name})",
        "language": "python",
        "metadata": {"debugger": True},
    }
    return json.dumps(spec, indent=2) + "\n"
