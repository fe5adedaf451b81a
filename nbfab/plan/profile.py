"""The step `profile`: its folder, the IPython profile with inline graphics, and the kernels that use it.

And the profile that other kernels of Python use, whose debugger is kept off, or off TCP, as in ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nbfab.cluster.member import CONFIG
from nbfab.names import kernel_name
from nbfab.plan import kernel_notes, kernelspecs, module, packages
from nbfab.plan.change import Change
from nbfab.plan.environment import label
from nbfab.plan.files import Managed, in_file
from nbfab.plan.kernel import env_named, kernel_file
from nbfab.plan.kernelspec import env_of, kernelspec, literal, text
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.settings import Settings
    from nbfab.wanted import Wanted

IPYTHON = """\
# Written by nbfab, and replaced by it.
import os
import sys
from contextlib import suppress

c = get_config()
c.IPKernelApp.matplotlib = "inline"
# The kernel is started with -B, so that it compiles nothing in an environment of the user's own. What its cells import
# is their business again.
compiles = not os.getenv("PYTHONDONTWRITEBYTECODE")
c.IPKernelApp.exec_lines = [f"__import__('sys').dont_write_bytecode = {not compiles}"]

# What a kernel itself keeps, such as a list of fonts, stays in this folder: two of these modules settle where when they
# are imported; the last one is imported as a kernel ends, and would be compiled. The cells, and whatever they start,
# find the environment as it was.
cache = os.path.join(os.path.dirname(__file__), "cache")
own = {"XDG_CACHE_HOME": cache}
settings = os.path.join(os.getenv("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "matplotlib")
if not os.path.isdir(settings):
    own["XDG_CONFIG_HOME"] = cache  # matplotlib would make it
before = {name: os.environ.get(name) for name in own}
os.environ.update(own)
for name in ("matplotlib.font_manager", "jedi", "psutil"):
    with suppress(Exception):
        __import__(name)
if "jedi" in sys.modules:  # an older IPython has imported it before
    sys.modules["jedi"].settings.cache_directory = os.path.join(cache, "jedi")
for name, value in before.items():
    if value is None:
        del os.environ[name]
    else:
        os.environ[name] = value
"""
OTHERS = """\
# Written by nbfab, and replaced by it. For kernels of Python other than the profile's own.
import os
import sys

# What such a kernel keeps by itself, lists of fonts and what it completes names with, stays in this folder, too. These
# modules settle where when they are imported, which is when a cell needs them. The cells, and whatever they start, find
# the environment as it was.
if sys.version_info >= (3, 7):
    from importlib.machinery import PathFinder

    cache = os.path.join(os.path.dirname(__file__), "cache")

    def run_settled(run, module):
        own = {"XDG_CACHE_HOME": cache}
        settings = os.path.join(os.getenv("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "matplotlib")
        if not os.path.isdir(settings):
            own["XDG_CONFIG_HOME"] = cache  # matplotlib would make it
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            run(module)
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    class Settled:
        modules = ("matplotlib", "matplotlib.font_manager", "jedi.settings", "parso.cache")

        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name not in cls.modules:
                return None
            spec = PathFinder.find_spec(name, path, target)
            if spec and spec.loader:
                run = spec.loader.exec_module
                spec.loader.exec_module = lambda module: run_settled(run, module)
            return spec

    sys.meta_path.insert(0, Settled)
    if "jedi" in sys.modules:
        sys.modules["jedi"].settings.cache_directory = os.path.join(cache, "jedi")
"""
# Without it, the kernel does not start: run.sh sees to that.
GUARD = """\
import sys
if sys.version_info >= (3, 7):  # before, there is no debugger
    with open({file!a}) as file:
        exec(compile(file.read(), file.name, "exec"))
    guard_debugger(allowed={allowed})
"""
_DEFAULT = "default"  # the profile that IPython takes if none is named


def ipython(wanted: Wanted, facts: Facts, head: str = IPYTHON) -> str:
    """The settings of an IPython profile; what guards the debugger is part of them, so that no kernel lacks it."""
    file = f"{facts.files.folder}/{module.NAME}/debugger.py"
    return head + GUARD.format(file=file, allowed=wanted.settings.debugger)


def ipython_file(profile: str) -> str:
    """The settings of the IPython profile."""
    return f"ipython/profile_{profile}/ipython_kernel_config.py"


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """A private folder, and in it the IPython profile, the kernel, and those of the user's own environments."""
    name, folder = wanted.settings.profile, facts.files.folder
    mode = facts.files.mode(".")
    if mode != "drwx------":
        what, reason = ("make private", f"its mode is {mode}") if mode else ("make the folder", "")
        args = {"file": ".", "mode": "700"}
        yield Change(step="profile", kind="make private", what=what, detail=folder, reason=reason, args=args)
    what = "the IPython profile with inline graphics"
    yield from in_file("profile", what, ipython_file(name), ipython(wanted, facts), facts)
    if name != _DEFAULT:
        what = "the IPython profile of other kernels"
        yield from in_file("profile", what, ipython_file(_DEFAULT), ipython(wanted, facts, OTHERS), facts)
    yield from kernel(wanted, facts)
    yield from kernelspecs.plan(wanted, facts)


def kernel(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The kernel; to write its specification is to put another environment in the place of the one it has had."""
    name, python, beside = wanted.settings.profile, packages.python(wanted, facts), packages.shown(wanted, facts)
    env = env_of(str(PurePosixPath(python).parents[1])) if beside else {}
    if wanted.cluster or facts.files.entry(CONFIG):
        env["DASK_CONFIG"] = literal(f"{facts.files.folder}/{CONFIG}")
    spec = kernelspec(
        python,
        name,
        f"Python 3 ({name}: {beside or label(wanted, facts)})",
        debugger=wanted.settings.debugger,
        env=env,
    )
    file, envs = kernel_file(name), f"{facts.files.folder}/{packages.FOLDER}"
    switches = env_named(facts.files.text(file), envs) != env_named(text(spec), envs)
    for change in in_file("profile", f"the kernel {kernel_name(name)}", file, text(spec), facts):
        yield replace(change, diff="") if switches else change  # what that brings is shown


def _files(settings: Settings) -> tuple[Managed, ...]:
    texts = (ipython_file(settings.profile), ipython_file(_DEFAULT), kernel_file(settings.profile))
    return (Managed(".", "folder"), *(Managed(path) for path in texts), *kernelspecs.managed(settings))


STEP = Step(
    "profile",
    "Make the profile: its folder, inline graphics, and a kernel that uses it.",
    plan,
    files=_files,
    notes=kernel_notes.notes,
    options=("debugger", "kernels"),
    flags=("reset",),
)
