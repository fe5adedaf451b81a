"""Progress, where it is lines that stay."""

import io
from collections.abc import Iterator

import pytest
from sshd import wait_until

from nbfab.display import progress
from nbfab.display.progress import Progress


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def shows(stream: io.StringIO) -> Iterator[Progress]:
    shows = Progress(stream)
    yield shows
    shows.end()


def test_a_step_is_a_line_and_what_it_prints_is_none(stream: io.StringIO, shows: Progress) -> None:
    shows("box", "looking")
    shows("box", "step 1 of 2, install: make an environment")
    for _ in range(100):
        shows.hears("box", "Downloading numpy (17 MiB)")
    shows("box", "step 2 of 2, server: start it")
    assert stream.getvalue().splitlines() == [
        "box: looking",
        "box: step 1 of 2, install: make an environment",
        "box: step 2 of 2, server: start it",
    ]


def test_a_long_step_tells_how_long_it_took(
    stream: io.StringIO, shows: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    shows("box", "step 1 of 2, install: make an environment")
    now[0] += 41.4
    shows("gate", "looking")
    shows("box", "step 2 of 2, server: start it")
    now[0] += 4
    shows("box", "looking again")
    assert stream.getvalue().splitlines()[1:] == [
        "gate: looking",
        "box: that took 41 s",
        "box: step 2 of 2, server: start it",
        "box: looking again",
    ]


def test_a_long_step_gives_signs_of_life_until_it_ends(
    stream: io.StringIO, shows: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SIGN", 0.05)
    shows("box", "step 1 of 2, install: make an environment")
    wait_until(lambda: "box: 0 s so far: step 1 of 2, install: make" in stream.getvalue(), "a sign of life", 10)
    shows("gate", "looking")
    shows.hears("box", "Downloading numpy (17 MiB)")
    both = "box: 0 s so far: Downloading numpy (17 MiB); gate: 0 s so far: looking"
    wait_until(lambda: both in stream.getvalue(), "one line on both", 10)
    shows.leaves("box")
    told = len(stream.getvalue())
    wait_until(lambda: len(stream.getvalue()) > told, "another sign", 10)
    assert "box" not in stream.getvalue()[told:].partition("\n")[2]
    shows.end()
    told = len(stream.getvalue())
    shows.hears("box", "nothing")
    assert stream.getvalue()[told:] == ""
