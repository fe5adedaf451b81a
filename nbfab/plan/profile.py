"""The step `profile`: its folder, the IPython profile with inline graphics, and a kernel that uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.names import kernel_name
from nbfab.plan.change import Change
from nbfab.plan.environment import choose, label
from nbfab.plan.files import Managed, in_file
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.settings import Settings
    from nbfab.wanted import Wanted

IPYTHON = """\
# Written by nbfab, and replaced by it.
c = get_config()
c.IPKernelApp.matplotlib = "inline"
"""


def ipython_file(profile: str) -> str:
    """The settings of the IPython profile."""
    return f"ipython/profile_{profile}/ipython_kernel_config.py"


def kernel_file(profile: str) -> str:
    """The kernel's specification."""
    return f"share/jupyter/kernels/{kernel_name(profile)}/kernel.json"


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """A private folder, and in it the IPython profile and the kernel."""
    name, folder = wanted.settings.profile, facts.files.folder
    mode = facts.files.mode(".")
    if mode != "drwx------":
        what, reason = (f"make {folder} private", f"its mode is {mode}") if mode else (f"make the folder {folder}", "")
        args = {"file": ".", "mode": "700"}
        yield Change(step="profile", kind="make private", what=what, reason=reason, args=args)
    what = "the IPython profile with inline graphics"
    yield from in_file("profile", what, ipython_file(name), IPYTHON, facts)
    kernel = _kernel(name, choose(wanted, facts).python, label(wanted, facts))
    yield from in_file("profile", f"the kernel {kernel_name(name)}", kernel_file(name), kernel, facts)


def _kernel(name: str, python: str, environment: str) -> str:
    spec = {
        "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}", f"--profile={name}"],
        "display_name": f"Python 3 ({name}: {environment})",
        "language": "python",
        "metadata": {"debugger": True},
    }
    return json.dumps(spec, indent=2) + "\n"


def _files(settings: Settings) -> tuple[Managed, ...]:
    return (Managed(".", "folder"), Managed(ipython_file(settings.profile)), Managed(kernel_file(settings.profile)))


STEP = Step("profile", "Make the profile: its folder, inline graphics, and a kernel that uses it.", plan, files=_files)
