"""The program as it was called: what a report says to type works, in the same folder, for whatever way there was."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from machine import BIN, ROOT, Machine

from nbfab.cli import called
from nbfab.fix import again, task

CLONE = shlex.quote(str(ROOT))
UV = ["uv", "run", "--offline", "--no-sync", "--project", str(ROOT)]
WAYS = {
    "nbfab": "nbfab",
    "inv": f"inv -r {CLONE}",
    "a path": f"{BIN}/nbfab",
    "python -m": f"{BIN}/python -m nbfab",
    "a relative path": "./nbfab",
}
if shutil.which("uv"):
    WAYS |= {
        "uv run": shlex.join([*UV, "nbfab"]),
        "uv run inv": f"{shlex.join([*UV, 'inv'])} -r {CLONE}",
        "uv run python -m": shlex.join([*UV, "python", "-m", "nbfab"]),
    }


def typed(machine: Machine, line: str) -> subprocess.CompletedProcess[str]:
    """What a line does that is typed into a shell."""
    # The environment of these tests is one that uv could have made for itself.
    env = {name: value for name, value in machine.env.items() if name != "VIRTUAL_ENV"}
    env |= {"UV_PROJECT_ENVIRONMENT": str(BIN.parent), "UV_NO_CONFIG": "1"}
    return subprocess.run(["sh", "-c", line], env=env, cwd=machine.work, capture_output=True, text=True, timeout=120)


def fix(said: str) -> str:
    """The fix in a report."""
    (found,) = re.findall(r"^  fix +(.+)$", said, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("way", WAYS)
def test_a_fix_is_typed_as_the_task_was(here: Machine, way: str) -> None:
    if way == "a path":
        here.env["PATH"] = os.environ["PATH"].replace(f"{BIN}:", "")
    if way == "a relative path":
        (here.work / "nbfab").symlink_to(BIN / "nbfab")
        here.env["PATH"] = "/usr/bin:/bin"
    done = typed(here, f"{WAYS[way]} status")
    assert done.returncode == 1, done.stderr
    assert fix(done.stderr) == f"{WAYS[way]} setup"
    # Before anything is known of the task's host, too.
    done = typed(here, f"{WAYS[way]} -R setup" if "inv" in way else f"{WAYS[way]} --dry setup")
    assert fix(done.stderr) == f"{WAYS[way]} plan"
    done = typed(here, fix(done.stderr))
    assert done.returncode == 0, done.stderr
    assert "install" in done.stdout


def test_a_fix_through_bootstrap_sh(here: Machine) -> None:
    """In a clone whose environment is up to date, as the stamp says that bootstrap.sh leaves in it."""
    clone = here.home / "a clone"
    clone.mkdir()
    for name in ("bootstrap.sh", "pyproject.toml", "tasks.py"):
        shutil.copy(ROOT / name, clone)
    (clone / "nbfab").symlink_to(ROOT / "nbfab")
    (clone / ".venv/bin").mkdir(parents=True)
    for name in ("python", "inv", "nbfab"):
        (clone / ".venv/bin" / name).symlink_to(BIN / name)
    shutil.copy(BIN.parent / "pyvenv.cfg", clone / ".venv")
    (clone / ".venv/lib").symlink_to(BIN.parent / "lib")
    stamp = f"""venv='{clone}/.venv'
    {{ printf '%s\\n' "$venv"; cksum <'{clone}/pyproject.toml'; "$venv/bin/python" -V
    echo "$venv"/lib/python*/site-packages/*.dist-info | cksum; }} >"$venv/installed" """
    subprocess.run(["sh", "-c", stamp], check=True)
    shutil.copy(clone / ".venv/installed", clone / ".venv/installeddev")
    bootstrap = shlex.quote("../home/a clone/bootstrap.sh")
    for way in (f"sh {bootstrap} nbfab", f"sh {bootstrap} --group dev nbfab", f"sh {bootstrap} python -m nbfab"):
        done = typed(here, f"{way} status")
        assert fix(done.stderr) == f"{way} setup"
        assert typed(here, f"{fix(done.stderr)} --help").returncode == 0
    # Of another process, such as a shell that was started so, it is not true.
    done = typed(here, f"sh {bootstrap} sh -c 'nbfab status; true'")
    assert fix(done.stderr).endswith("nbfab setup")
    assert "bootstrap.sh" not in fix(done.stderr)


@pytest.mark.parametrize(
    ("words", "part", "line"),
    [
        (["setup"], again("--yes"), "nbfab setup --yes"),
        (["-H", "gpu1", "setup", "--port", "9"], again("--port=10"), "nbfab -H gpu1 setup --port=10"),
        (["-H", "gpu1", "setup", "--port=9"], again("--port=10"), "nbfab -H gpu1 setup --port=10"),
        (["-S", "my config", "-H", "a", "-R", "setup"], task("plan"), "nbfab -S 'my config' -H a plan"),
        (["-t", "5", "-H", "a", "fleet.plan"], task("fleet.plan", "--limit=a"), "nbfab -t 5 fleet.plan --limit=a"),
        (
            ["fleet.plan", "--inventory", "x"],
            task("fleet.plan", "--limit=a"),
            "nbfab fleet.plan --inventory x --limit=a",
        ),
        (["fleet.plan", "--inventory", "x"], task("fleet.plan", "--inventory=y"), "nbfab fleet.plan --inventory=y"),
    ],
)
def test_words_that_were_typed_are_kept(
    monkeypatch: pytest.MonkeyPatch, words: list[str], part: "called.Task", line: str
) -> None:
    called._program.cache_clear()
    monkeypatch.setattr(sys, "argv", ["/no/such/nbfab", *words])
    monkeypatch.setattr(shutil, "which", lambda name, path=None: "/no/such/nbfab")
    monkeypatch.setattr(called, "_same", lambda one, other: True)
    try:
        assert called.typed(part, "setup") == line
    finally:
        called._program.cache_clear()


@pytest.mark.parametrize(
    ("parent", "line"),
    [
        (["uv", "run", "nbfab", "setup"], "uv run nbfab setup --yes"),
        (["/opt/uv", "run", "--group", "dev", "inv", "setup"], "uv run --group dev inv setup --yes"),
        (["uvx", "nbfab", "setup"], "uvx nbfab setup --yes"),
        (["uv", "run", "sh", "-c", "nbfab setup"], "nbfab setup --yes"),
        (["bash"], "nbfab setup --yes"),
        ([], "nbfab setup --yes"),
    ],
)
def test_the_words_of_uv_are_its_own(monkeypatch: pytest.MonkeyPatch, parent: list[str], line: str) -> None:
    called._program.cache_clear()
    monkeypatch.setattr(sys, "argv", ["/no/such/nbfab", "setup"])
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/no/such/{name}")
    monkeypatch.setattr(called, "_same", lambda one, other: True)
    monkeypatch.setattr(called, "_parent", lambda: parent)
    try:
        assert called.typed(again("--yes"), "setup") == line
    finally:
        called._program.cache_clear()
