"""uv on this machine."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from shells import stub
from wheel_index import NEEDS, WheelIndex

from nbfab.errors import HostError, UsageError
from nbfab.lend.index import Index
from nbfab.wheels import tool
from nbfab.wheels.ask import Ask
from nbfab.wheels.lock import Lock
from nbfab.wheels.target import Target
from nbfab.wheels.tool import environment, resolve

HOST = Target("Linux", "x86_64", "glibc", (2, 36), (3, 11))


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WheelIndex]:
    with WheelIndex() as index:
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
        yield index


def pinned(lock: Lock) -> list[str]:
    return [line.partition(" ")[0] for line in lock.requirements.splitlines()]


def test_all_that_is_needed_is_pinned(index: WheelIndex) -> None:
    lock = resolve(Ask(("notebook>=7", "extra")), HOST)
    assert pinned(lock) == sorted(
        f"{name.replace('_', '-')}==9.9" for name in NEEDS if name not in ("jupytext", "matplotlib")
    )
    assert {wheel.url.partition("/files/")[0] for wheel in lock.wheels} == {index.url.removesuffix("/simple")}


def test_what_is_installed_stays_if_it_can(index: WheelIndex) -> None:
    index.files["part-9.8-py3-none-any.whl"] = index.files["part-9.9-py3-none-any.whl"]
    wheels = [(wheel.name, wheel.version) for wheel in resolve(Ask(("extra",)), HOST).wheels]
    assert ("part", "9.9") in wheels
    have = Target(*("Linux", "x86_64", "glibc", (2, 36), (3, 11)), installed=(("part", "7.7"),))
    assert [wheel.name for wheel in resolve(Ask(("extra",)), have).missing] == ["extra", "part"]  # the index has no 7.7
    have = Target(*("Linux", "x86_64", "glibc", (2, 36), (3, 11)), installed=(("part", "9.9"),))
    assert [wheel.name for wheel in resolve(Ask(("extra",)), have).missing] == ["extra"]


def test_a_package_without_a_wheel_is_one_line(index: WheelIndex) -> None:
    index.files["odd-1.0-cp311-cp311-win_amd64.whl"] = b""
    with pytest.raises(
        HostError, match=r"^there are no wheels for x86_64 with glibc 2.36 and Python 3.11: .*odd"
    ) as error:
        resolve(Ask(("odd",)), HOST)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        (
            "error: Request failed after 3 retries\n  cause: Failed to fetch: https://u:secret@x/\n"
            "  cause: client error (Connect)\n  cause: Connection refused",
            HostError,
            "this machine does not reach its index either: Connection refused",
        ),
        ("error: invalid value 'pylock.toml' for '--format'", UsageError, "uv here is too old: "),
        ("error: https://u:secret@x/ is odd", HostError, "there are no wheels for .*: https://x/ is odd"),
        ("", HostError, "uv gives no reason"),
    ],
)
def test_what_uv_says_is_said_in_a_line_and_without_secrets(said: str, kind: type[Exception], reason: str) -> None:
    error = tool._unresolved(said, HOST)
    assert isinstance(error, kind)
    with pytest.raises(kind, match=reason):
        raise error
    assert "secret" not in str(error)


def test_without_uv_the_command_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tool.sys, "executable", f"{tmp_path}/bin/python")
    with pytest.raises(UsageError, match="gathered here by uv, and there is none") as error:
        tool.find()
    assert "install uv" in error.value.hint
    (tmp_path / ".local/bin").mkdir(parents=True)
    stub(tmp_path / ".local/bin", "uv", "")
    assert tool.find() == f"{tmp_path}/.local/bin/uv"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="takes /dev/full")
def test_a_full_disk_here_is_named(index: WheelIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    file = partial(open, "/dev/full", "w")
    monkeypatch.setattr(tool.tempfile, "NamedTemporaryFile", lambda *_, **__: file())
    with pytest.raises(HostError, match="no file can be written here: No space left on device") as error:
        resolve(Ask(("part",), ("part<10",)), HOST)
    assert error.value.hint == "make room for temporary files"


def test_uv_goes_by_the_index_of_pip_if_it_has_none_and_gets_no_secret() -> None:
    given = {"NBFAB_PASSWORD": "secret", "A": "b"}
    found = environment(given, Index("https://x/simple", ("https://y", "https://z")))
    assert found["UV_DEFAULT_INDEX"] == "https://x/simple"
    assert found["UV_INDEX"] == "https://y https://z"
    assert "secret" not in found.values()
    assert "UV_DEFAULT_INDEX" not in environment(given, Index())


def test_the_index_that_pip_is_set_to_counts(
    index: WheelIndex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {index.url}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert [wheel.version for wheel in resolve(Ask(("part",)), HOST).wheels] == ["9.9"]
