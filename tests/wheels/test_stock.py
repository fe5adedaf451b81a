"""What hosts of one run share."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from wheel_index import VERSION, WheelIndex, wheel

from nbfab.errors import HostError
from nbfab.wheels.ask import Ask
from nbfab.wheels.parcel import Parcel
from nbfab.wheels.stock import Stock
from nbfab.wheels.store import SUMS
from nbfab.wheels.target import Target

HOST = Target("Linux", "x86_64", "glibc", (2, 36), (3, 11))
PART = f"part-{VERSION}-py3-none-any.whl"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WheelIndex]:
    with WheelIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield index


def wheelhouse(stock: Stock, *lines: str, sees: list[str]) -> AbstractContextManager[Parcel]:
    return stock.wheelhouse(Ask(lines), HOST, sees.append, lambda _: None)


def test_many_hosts_of_one_kind_are_resolved_and_fetched_for_once(index: WheelIndex) -> None:
    stock, names, seen = Stock(), set[str](), list[str]()

    def use() -> None:
        with wheelhouse(stock, "extra", sees=seen) as parcel:
            names.add(parcel.name)
            assert {file.name for file in parcel.folder.glob("*.whl")} == {PART, f"extra-{VERSION}-py3-none-any.whl"}
            lines = (parcel.folder / "requirements.txt").read_text().splitlines()
            assert [line.partition(" --hash=sha256:")[0] for line in lines] == ["extra==9.9", "part==9.9"]

    threads = [threading.Thread(target=use) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(names) == 1
    assert index.fetched(PART) == 1
    kind = "x86_64 with glibc 2.36 and Python 3.11"
    assert seen == [f"resolving what to install for {kind}", f"fetching 2 packages for {kind}"]
    with wheelhouse(Stock(), "extra", sees=[]):  # another run
        assert index.fetched(PART) == 1


def test_a_failure_is_that_of_all_and_is_not_kept_for_the_next_run(index: WheelIndex) -> None:
    stock = Stock()
    index.lies[PART] = index.files[PART][::-1]
    for _ in range(3):
        with pytest.raises(HostError, match="is not the file"), wheelhouse(stock, "part", sees=[]):
            pass
    assert index.fetched(PART) == 1
    del index.lies[PART]
    with wheelhouse(Stock(), "part", sees=[]) as parcel:
        assert (parcel.folder / PART).exists()


def test_uv_is_taken_out_of_its_wheel(index: WheelIndex) -> None:
    file = f"uv-{VERSION}-py3-none-manylinux_2_17_x86_64.whl"
    more = {f"uv-{VERSION}.data/scripts/uv": b"\x7fELF", f"uv-{VERSION}.data/scripts/uvx": b"other"}
    index.files[file] = wheel("uv", tag="py3-none-manylinux_2_17_x86_64", more=more)
    with Stock().uv(HOST, lambda _: None, lambda _: None) as parcel:
        assert [path.name for path in parcel.folder.iterdir() if path.name != SUMS] == ["uv"]
        assert (parcel.folder / "uv").read_bytes() == b"\x7fELF"
        assert (parcel.folder / "uv").stat().st_mode & 0o777 == 0o700
    index.files[file] = wheel("uv", tag="py3-none-manylinux_2_17_x86_64")
    with pytest.raises(HostError, match="has no program"), Stock().uv(HOST, lambda _: None, lambda _: None):
        pass
