"""`init`: an inventory to fill in, from a clone and from a wheel."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from documents import check_document
from machine import BIN, ROOT, Machine

from nbfab.inventory.load import load
from nbfab.inventory.schema import schema

pytestmark = pytest.mark.real  # starts whole programs


def check(file: Path) -> Path:
    """The schema that the file names, if the file is the example and the schema the current one."""
    first, _, rest = file.read_text().partition("\n")
    assert rest == (ROOT / "hosts.example.yaml").read_text().partition("\n")[2]
    url = first.removeprefix("# yaml-language-server: $schema=")
    found = Path(unquote(urlparse(url).path))
    assert json.loads(found.read_text()) == schema()
    return found


@pytest.mark.parametrize("program", ["inv", f"{BIN}/nbfab"], ids=["inv", "nbfab"])
def test_it_writes_the_example_once(tmp_path: Path, program: str) -> None:
    person = Machine(tmp_path, program=program)
    name = f"inv -r {ROOT}" if program == "inv" else "nbfab"
    missing = person.fails("fleet.plan", status=2)
    assert "there is no hosts.yaml here" in missing
    assert f"  fix          {name} init\n" in missing
    told = person.ok("init")
    assert (
        f"hosts.yaml: written; put your hosts in, and remove what you do not need\n  next         {name} fleet.plan\n"
        in told
    )
    check(person.work / "hosts.yaml")
    assert load(person.work / "hosts.yaml").find("workstation")
    (person.work / "hosts.yaml").write_text("hosts: [mine]\n")
    assert "  fix          name another by --inventory\n" in person.fails("init")
    assert (person.work / "hosts.yaml").read_text() == "hosts: [mine]\n"


def test_another_name(tmp_path: Path) -> None:
    person = Machine(tmp_path)
    assert f"  next         inv -r {ROOT} fleet.plan --inventory 'my lab.yaml'\n" in person.ok(
        "init", "--inventory", "my lab.yaml"
    )
    check(person.work / "my lab.yaml")
    document = json.loads(person.ok("init", "--inventory", "b.yaml", "--json"))
    check_document(document)
    assert Path(document["inventory"]) == person.work / "b.yaml"
    assert "could not be written" in person.fails("init", "--inventory", "no/where.yaml", status=2)


def test_it_takes_no_host(tmp_path: Path) -> None:
    person = Machine(tmp_path, program=f"{BIN}/nbfab")
    assert "takes no host" in person.fails("-H", "box", "init", status=2)
    assert not (person.work / "hosts.yaml").exists()


IMPORT_ALL = """
import importlib, pkgutil, nbfab
for found in pkgutil.walk_packages(nbfab.__path__, "nbfab."):
    if not found.name.startswith("nbfab.server") and not found.name.endswith(("_probe", "__main__")):
        importlib.import_module(found.name)
"""


@pytest.mark.timeout(600)
def test_a_wheel_has_all_that_it_takes_and_little_else(tmp_path: Path) -> None:
    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    cache = subprocess.run([BIN / "uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    env = os.environ | {"HOME": str(tmp_path), "UV_CACHE_DIR": cache}
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        env.pop(name, None)
    run(BIN / "uv", "build", "-q", "--out-dir", tmp_path, ROOT)  # the wheel is made from the source distribution
    (wheel,) = tmp_path.glob("*.whl")
    run(BIN / "uv", "venv", "-q", "--python", sys.executable, "fresh")
    run(BIN / "uv", "pip", "install", "-q", "--python", "fresh", wheel)
    assert len(list(tmp_path.glob("fresh/lib/*/site-packages/*.dist-info"))) < 30
    run(tmp_path / "fresh/bin/nbfab", "init")
    assert tmp_path / "fresh" in check(tmp_path / "hosts.yaml").parents
    run(tmp_path / "fresh/bin/python", "-c", IMPORT_ALL)
    assert "would" in run(tmp_path / "fresh/bin/nbfab", "plan")
