"""A host that reaches no index gets a wheelhouse: the whole of it, without SSH, which `test_wheelhouse.py` adds."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from machine import BIN
from namespace import after
from shell_host import Shell
from shells import stub
from wheel_index import VERSION, WheelIndex, wheel

from nbfab.outcome import Outcome
from nbfab.plan import install
from nbfab.run.converge import converge
from nbfab.run.job import Job, attempt
from nbfab.settings import Settings
from nbfab.user import NoUser
from nbfab.wheels.stock import STOCK

NOWHERE = "http://127.0.0.1:9/simple"
BASE = ".local/share/nbfab"
SYSTEM = "/usr/bin:/bin"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WheelIndex]:
    with WheelIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr("nbfab.wheels.stock.STOCK._answers", {})
        yield index


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder on a host whose uv asks an index that does not answer."""
    home = tmp_path / "home"
    (home / ".config/uv").mkdir(parents=True)
    (home / ".config/uv/uv.toml").write_text(f'index-url = "{NOWHERE}"\n')
    (home / ".config/pip").mkdir()
    (home / ".config/pip/pip.conf").write_text(f"[global]\nindex-url = {NOWHERE}\nretries = 1\n")
    (tmp_path / "bin").mkdir()
    stub(tmp_path / "bin", "uv", f'export UV_HTTP_RETRIES=0\necho "$1 $2" >>{tmp_path}/asked\nexec {BIN}/uv "$@"')
    return home


class Person(NoUser):
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def sees(self, line: str) -> None:
        """As `User.sees`."""
        self.seen.append(line)


def installs(
    home: Path, person: Person, *packages: str, cut: bool = False, shell: Sequence[str] = ("/bin/sh",)
) -> Outcome:
    """The task `install` on that host."""
    host = Shell(shell, home, path=f"{home.parent}/bin:{SYSTEM}", cut=cut)
    settings = Settings.gather({"python": "new", "packages": list(packages), "lend": "never"}, {})

    def body(job: Job) -> Outcome:
        return converge(job, (install.STEP,))

    return attempt("install", body, host, settings, user=person)


def has(home: Path, *modules: str) -> None:
    python = home / BASE / ".venv/bin/python"
    subprocess.run([python, "-c", f"import {', '.join(modules)}"], check=True)
    assert (home / BASE / ".venv/complete").exists()


def test_it_is_gathered_sent_and_installed_and_then_all_is_as_wanted(index: WheelIndex, home: Path) -> None:
    person = Person()
    outcome = installs(home, person)
    assert (outcome.error, outcome.verdict) == ("", "changed")
    assert [change.kind for change in outcome.changes] == ["make environment", "write"]
    has(home, "notebook", "jupyter_server", "ipykernel", "matplotlib", "pip")
    assert not (home / BASE / ".cache").exists()
    order = [line.split()[0] for line in person.seen if line.split()[0] in ("step", "resolving", "fetching", "sending")]
    assert order == ["step", "resolving", "fetching", "sending", "step", "step"]
    assert installs(home, person).verdict == "unchanged"
    # What is there stays as it is, and is not sent again.
    index.files[f"notebook-10.0-{'py3-none-any'}.whl"] = index.files[f"notebook-{VERSION}-py3-none-any.whl"]
    outcome = installs(home, person, "jupytext")
    assert (outcome.error, outcome.verdict) == ("", "changed")
    has(home, "jupytext", "part")
    assert any(line.startswith("fetching 2 packages ") for line in person.seen)


def test_what_fails_here_or_on_its_way_is_a_line_and_leaves_what_was_there(index: WheelIndex, home: Path) -> None:
    person = Person()
    assert installs(home, person).verdict == "changed"
    part = f"part-{VERSION}-py3-none-any.whl"
    index.lies[part] = index.files[part][::-1]
    outcome = installs(home, person, "part")
    assert outcome.verdict == "failed"
    assert "the host cannot reach an index of packages: " in outcome.error
    assert f"; and what it needs cannot be sent from here: {part} from 127.0.0.1 is not the file " in outcome.error
    assert "\n" not in outcome.error
    del index.lies[part]
    index.files[part] = wheel("part", more={"part/big": bytes(600_000)})
    STOCK._answers.clear()  # as another run
    outcome = installs(home, person, "part", cut=True)
    assert "what was sent to it was not kept: it has not arrived whole: " in outcome.error
    assert "\n" not in outcome.error
    has(home, "notebook", "matplotlib")
    assert installs(home, person).verdict == "unchanged"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("cp {other} $file", "a package is not the one that was promised: its hash is another"),
        ("echo x >$file", "a package is broken: it is no zip archive"),
    ],
)
def test_a_wheel_that_was_spoilt_there_is_refused_and_sent_anew(
    index: WheelIndex, home: Path, how: str, why: str
) -> None:
    (home / "other.whl").write_bytes(wheel("matplotlib", more={"other": b""}))
    how = how.format(other=home / "other.whl")
    wheels = f"{home}/{BASE}/.cache/wheels-*/matplotlib-*.whl"
    spoils = f"if [ -e {home}/spoil ]; then for file in {wheels}; do {how}; done; fi"
    stub(home.parent / "bin", "uv", f'export UV_HTTP_RETRIES=0\n{spoils}\nexec {BIN}/uv "$@"')
    (home / "spoil").touch()
    outcome = installs(home, Person())
    assert why in outcome.error
    assert "\n" not in outcome.error
    assert not (home / BASE / ".venv/complete").exists()
    (home / "spoil").unlink()
    assert installs(home, Person()).verdict == "changed"
    has(home, "matplotlib")


def test_pip_installs_it_too(index: WheelIndex, home: Path) -> None:
    (home.parent / "bin/uv").unlink()
    outcome = installs(home, Person())
    assert (outcome.error, outcome.verdict) == ("", "changed")
    has(home, "notebook", "matplotlib", "pip")
    assert installs(home, Person(), "jupytext").verdict == "changed"
    has(home, "jupytext", "part")


def envs(home: Path) -> list[Path]:
    """The environments beside the server's."""
    return [made.parent for made in home.glob(f"{BASE}/*/envs/*/made")]


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_what_the_notebooks_have_comes_by_it_too(index: WheelIndex, home: Path, tool: str) -> None:
    if tool == "pip":
        (home.parent / "bin/uv").unlink()
    index.files[f"heavy-{VERSION}-py3-none-any.whl"] = wheel("heavy")
    # At once with the server's environment, and then beside one that is there.
    outcome = installs(home, Person(), "extra")
    assert (outcome.error, outcome.verdict) == ("", "changed")
    assert [change.kind for change in outcome.changes][:2] == ["make environment", "build environment"]
    has(home, "notebook", "matplotlib")
    (env,) = envs(home)
    subprocess.run([env / "bin/python", "-c", "import extra, part, ipykernel"], check=True)
    assert not (home / BASE / ".cache").exists()
    assert installs(home, Person(), "extra").verdict == "unchanged"
    person = Person()
    outcome = installs(home, person, "part")
    assert (outcome.error, outcome.verdict) == ("", "changed")
    assert outcome.changes[0].detail == "(4 packages: 4 added)"
    added = [line.split()[1] for line in outcome.changes[0].diff.splitlines()]
    assert added == ["extra", "ipykernel", "matplotlib", "part"]
    (new,) = {*envs(home)} - {env}
    subprocess.run([new / "bin/python", "-c", "import part, ipykernel"], check=True)
    # What is added to the server's environment is not there for another one that is made at once.
    outcome = installs(home, Person(), "jupytext", "heavy")
    assert (outcome.error, outcome.verdict) == ("", "changed")
    assert [change.kind for change in outcome.changes][:2] == ["make environment", "build environment"]
    has(home, "jupytext")


def without_ensurepip(folder: Path) -> list[str]:
    """A shell in which the system's Python has no ensurepip."""
    python = shutil.which("python3", path=SYSTEM)
    assert python
    code = "import ensurepip; print(ensurepip.__file__)"
    file = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "none.py").write_text("raise ImportError('no ensurepip here')\n")
    return after(["/bin/sh"], [f"mount --bind {folder}/none.py {file}"])


def test_uv_is_sent_where_python_makes_no_environment(index: WheelIndex, home: Path, tmp_path: Path) -> None:
    (home.parent / "bin/uv").unlink()
    shell, person = without_ensurepip(tmp_path), Person()
    outcome = installs(home, person, shell=shell)
    assert "cannot make an environment for the notebook: " in outcome.error
    assert "no ensurepip here; and uv cannot be sent from here: " in outcome.error
    assert "python3-venv" in str(outcome.fix)
    STOCK._answers.clear()  # as another run
    file = f"uv-{VERSION}-py3-none-manylinux_2_17_x86_64.whl"
    program = f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\nexport UV_HTTP_RETRIES=0\nexec {BIN}/uv "$@"\n'
    more = {f"uv-{VERSION}.data/scripts/uv": program.encode()}
    index.files[file] = wheel("uv", tag="py3-none-manylinux_2_17_x86_64", more=more)
    outcome = installs(home, person, shell=shell)
    assert (outcome.error, outcome.verdict) == ("", "changed")
    assert outcome.changes[0].detail.endswith(", by uv, which is sent from here")
    has(home, "notebook", "matplotlib", "pip")
    assert "--require-hashes" in (tmp_path / "asked").read_text()
    assert index.fetched(file) == 1
    assert not (home / BASE / ".cache").exists()
    # Where it reaches an index, it takes the packages from there.
    shutil.rmtree(home / BASE / ".venv")
    (home / ".config/uv/uv.toml").write_text(f'index-url = "{index.url}"\n')
    (tmp_path / "asked").unlink()
    assert installs(home, person, shell=shell).verdict == "changed"
    has(home, "notebook", "matplotlib", "pip")
    assert "--require-hashes" not in (tmp_path / "asked").read_text()


def test_hosts_of_one_kind_have_it_fetched_once(index: WheelIndex, home: Path) -> None:
    homes = [home.parent / f"host{number}" / "home" for number in range(3)]
    for each in homes:
        shutil.copytree(home.parent / "bin", each.parent / "bin")
        shutil.copytree(home, each)
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda each: installs(each, Person()), homes))
    assert [(outcome.error, outcome.verdict) for outcome in outcomes] == [("", "changed")] * len(homes)
    needed = [file for file in index.files if file.partition("-")[0] not in ("extra", "jupytext", "part")]
    assert {index.fetched(file) for file in needed} == {1}
