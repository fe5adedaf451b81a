"""The step `profile`: its folder, the IPython profile with inline graphics, and a kernel that uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.names import kernel_name
from nbfab.plan.change import Change
from nbfab.plan.files import Managed, in_file
from nbfab.plan.install import choose
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.settings import Settings
    from nbfab.wanted import Wanted

IPYTHON = """\
# Written by nbfab, and replaced by it.
import os
from contextlib import suppress

c = get_config()
c.IPKernelApp.matplotlib = "inline"
# The kernel is started with -B, so that it compiles nothing in an environment of the user's own. What its cells import
# is their business again.
compiles = not os.getenv("PYTHONDONTWRITEBYTECODE")
c.IPKernelApp.exec_lines = [f"__import__('sys').dont_write_bytecode = {not compiles}"]

# What a kernel itself keeps, such as a list of fonts, stays in this folder: these modules settle where when they are
# imported. The cells, and whatever they start, find the environment as it was.
cache = os.path.join(os.path.dirname(__file__), "cache")
own = {"XDG_CACHE_HOME": cache}
settings = os.path.join(os.getenv("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "matplotlib")
if not os.path.isdir(settings):
    own["XDG_CONFIG_HOME"] = cache  # matplotlib would make it
before = {name: os.environ.get(name) for name in own}
os.environ.update(own)
for name in ("matplotlib.font_manager", "jedi"):
    with suppress(Exception):
        __import__(name)
for name, value in before.items():
    if value is None:
        del os.environ[name]
    else:
        os.environ[name] = value
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
    kernel = _kernel(name, choose(wanted, facts).python)
    yield from in_file("profile", f"the kernel {kernel_name(name)}", kernel_file(name), kernel, facts)


def _kernel(name: str, python: str) -> str:
    spec = {
        "argv": [python, "-B", "-m", "ipykernel_launcher", "-f", "{connection_file}", f"--profile={name}"],
        "display_name": f"Python 3 ({name})",
        "language": "python",
        "metadata": {"debugger": True},
    }
    return json.dumps(spec, indent=2) + "\n"


def _files(settings: Settings) -> tuple[Managed, ...]:
    return (Managed(".", "folder"), Managed(ipython_file(settings.profile)), Managed(kernel_file(settings.profile)))


STEP = Step("profile", "Make the profile: its folder, inline graphics, and a kernel that uses it.", plan, files=_files)
