"""The profiles that releases of nbfab have left, as `profiles` has them, in the home folder of a test."""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from machine import ROOT

RECORDED = {
    f"{file.parent.name}/{file.stem}": file.with_suffix("")
    for file in sorted((ROOT / "tests/profiles").glob("*/*.json"))
}


def place(recorded: str, home: Path, *, env: str, directory: Path, port: int) -> dict[str, Any]:
    """Puts the profile `recorded` into a home folder, as if it had been set up there.

    Its server uses the environment `env`, and serves `directory` at `port`. Returns what it was set up with: its
    `settings`, its `password`, the time (`now`), and the names that the host `found`.
    """
    source, folder = RECORDED[recorded], home / ".local/share/nbfab/nbserver"
    root = " --allow-root" if os.geteuid() == 0 else ""
    values = {"FOLDER": folder, "DIRECTORY": directory, "ENV": env, "PORT": port, "ROOT": root}
    texts = {str(file.relative_to(source).with_suffix("")): _filled(file, values) for file in source.rglob("*.in")}
    digest = _digest(texts)
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.replace("@DIGEST@", digest))
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o700 if each.is_dir() else 0o600)
    return dict(json.loads(_filled(source.with_suffix(".json"), values)))


def _filled(file: Path, values: Mapping[str, object]) -> str:
    return re.sub("@([A-Z]+)@", lambda name: str(values.get(name[1], name[0])), file.read_text())


def _digest(texts: Mapping[str, str]) -> str:
    """The digest of what the server is started with, as 0.1.0 computes it."""
    script, mark, call = texts["run.sh"].partition("unset -v digest python needed\n")
    assert mark, "this release has another way to compute its digest"
    words = shlex.split(call)
    (python,) = (word.removeprefix("python=") for word in words if word.startswith("python="))
    arguments = words[words.index("run_server") + 1 :]
    read = (texts["jupyter_server_config.py"], texts["jupyter_server_config.json"])
    return hashlib.sha256("\0".join((script, python, *arguments, *read)).encode()).hexdigest()
