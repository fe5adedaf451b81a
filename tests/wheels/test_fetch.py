"""Fetching wheels from an index."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sshd import free_port
from wheel_index import WheelIndex

from nbfab.errors import HostError
from nbfab.wheels.fetch import Fetch, _login
from nbfab.wheels.lock import Wheel

FILE = "part-9.9-py3-none-any.whl"


@pytest.fixture
def index() -> Iterator[WheelIndex]:
    with WheelIndex() as index:
        yield index


def of(index: WheelIndex, file: str = FILE) -> Wheel:
    url = index.url.replace("/simple", f"/files/{file}")
    text = index.files.get(file, b"")
    return Wheel("part", "9.9", file, url, len(text), hashlib.sha256(text).hexdigest())


def test_wheels_are_fetched_and_counted(index: WheelIndex, tmp_path: Path) -> None:
    heard: list[str] = []
    wheels = [of(index), of(index, "matplotlib-9.9-py3-none-any.whl")]
    Fetch(tmp_path).all(wheels, heard.append)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        wheel.file: index.files[wheel.file] for wheel in wheels
    }
    assert heard[-1] == "0 of 0 MB"


def test_a_file_of_this_machine_is_copied(index: WheelIndex, tmp_path: Path) -> None:
    (tmp_path / "a b.whl").write_bytes(index.files[FILE])
    (tmp_path / "to").mkdir()
    digest = hashlib.sha256(index.files[FILE]).hexdigest()
    Fetch(tmp_path / "to").all([Wheel("part", "9.9", FILE, f"file://{tmp_path}/a%20b.whl", 0, digest)], lambda _: None)
    assert (tmp_path / "to" / FILE).exists()


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (True, "from 127.0.0.1 is not the file that the index has promised: its SHA-256 is another"),
        (False, "could not be fetched here: 127.0.0.1 answers 404 Not Found"),
    ],
)
def test_what_is_not_as_promised_ends_it(index: WheelIndex, tmp_path: Path, lie: bool, reason: str) -> None:
    wheel = of(index)
    if lie:
        index.lies[FILE] = index.files[FILE][::-1]
    else:
        del index.files[FILE]
    with pytest.raises(HostError, match=reason) as error:
        Fetch(tmp_path).all([wheel], lambda _: None)
    assert "\n" not in str(error.value)


def test_a_file_that_is_cut_short_is_fetched_again(index: WheelIndex, tmp_path: Path) -> None:
    index.cuts = 2
    Fetch(tmp_path).all([of(index)], lambda _: None)
    assert (tmp_path / FILE).read_bytes() == index.files[FILE]
    index.cuts = 3
    with pytest.raises(
        HostError, match=r"could not be fetched here from 127.0.0.1: the connection was cut after 100 of "
    ):
        Fetch(tmp_path).all([of(index)], lambda _: None)


def test_a_wheel_that_is_broken(index: WheelIndex, tmp_path: Path) -> None:
    index.files[FILE] = b"no zip"
    with pytest.raises(HostError, match="is broken: it is no zip archive"):
        Fetch(tmp_path).all([of(index)], lambda _: None)


def test_an_index_that_is_gone(tmp_path: Path) -> None:
    wheel = Wheel("x", "1", "x-1.whl", f"http://127.0.0.1:{free_port()}/x-1.whl", 0, "a" * 64)
    with pytest.raises(HostError, match=r"could not be fetched here from 127.0.0.1: .*Connection refused"):
        Fetch(tmp_path).all([wheel], lambda _: None)


LOGINS = pytest.mark.parametrize(
    ("url", "login"),
    [
        ("https://pkg.example/x.whl", "ann:pa ss"),
        ("https://pkg.example:444/x.whl", ""),
        ("http://pkg.example/x.whl", ""),
        ("https://files.example/x.whl", "machine:word"),
        ("https://bob@other.example/x.whl", "bob:"),
        ("https://other.example/x.whl", ""),
    ],
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".netrc").write_text("machine files.example login machine password word\n")
    (tmp_path / ".netrc").chmod(0o600)
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@LOGINS
def test_the_login_of_an_index_goes_to_that_index_alone(
    url: str, login: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX", "corp=https://ann:pa%20ss@pkg.example/simple")
    assert _login(url) == login


@LOGINS
@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".config/pip/pip.conf", "[global]\nextra-index-url = https://ann:pa%20ss@pkg.example/simple\n"),
        (".config/uv/uv.toml", '[[index]]\nurl = "https://ann:pa%20ss@pkg.example/simple"\n'),
    ],
    ids=["pip.conf", "uv.toml"],
)
def test_the_login_of_an_index_may_be_in_a_file(url: str, login: str, file: str, text: str, home: Path) -> None:
    (home / file).parent.mkdir(parents=True)
    (home / file).write_text(text)
    assert _login(url) == login
