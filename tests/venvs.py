"""Environments as hosts have them, made of links to what the one that runs the tests has: a second, and no index."""

import subprocess
import sys
import sysconfig
from pathlib import Path


def environment(place: Path, *, lacks: tuple[str, ...] = ()) -> Path:
    """A venv without pip at `place`, with all packages but those that it lacks."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (into,) = place.glob("lib/python*/site-packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.name.partition("-")[0].partition(".")[0] not in lacks:
            (into / path.name).symlink_to(path)
    return place


def with_jupyter(place: Path, home: Path) -> None:
    """Makes the environment's `jupyter` the one that a login finds."""
    script = place / "bin/jupyter"
    script.write_text(f"#!{place}/bin/python\nfrom jupyter_core.command import main\n\nmain()\n")
    script.chmod(0o755)
    own = home / ".local/bin"
    own.mkdir(parents=True, exist_ok=True)
    (own / "jupyter").symlink_to(script)
    (home / ".profile").write_text('PATH="$HOME/.local/bin:$PATH"\n')
