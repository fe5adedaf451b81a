"""Windows itself: a sentence that names WSL, in place of a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from machine import BIN, ROOT


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, f"{BIN}/nbfab", "plan"),
        (sys.executable, "-m", "nbfab", "plan"),
        (sys.executable, "-c", "import tasks"),
        (sys.executable, "-c", "import fabfile"),
        (sys.executable, "-c", "import nbfab.cli.executor"),
    ],
    ids=["nbfab", "python -m nbfab", "tasks.py", "fabfile.py", "executor"],
)
def test_it_names_wsl_before_anything_fails(command: tuple[str, ...], tmp_path: Path) -> None:
    lacking = dict.fromkeys(("fcntl", "grp", "pwd", "resource", "termios"))  # an import of None fails
    customize = f"import sys; sys.platform = 'win32'; sys.modules.update({lacking!r})\n"
    (tmp_path / "sitecustomize.py").write_text(f"{customize}import signal; del signal.SIGHUP, signal.SIGQUIT\n")
    env = {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    first, fix = done.stderr.splitlines()
    assert first.startswith("nbfab: Windows itself is not supported: use WSL")
    assert fix == "  fix          wsl --install"
