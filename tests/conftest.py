"""What the tests share: machines, and that nothing is skipped where everything can be installed."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from machine import Machine
from person import Person
from sshd import Sshd
from sshd_fleet import Fleet, fleet_of
from together import scheduler
from trusting import Trusting


def pytest_configure() -> None:
    """Control-C counts for what the tests start, also where they run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("NBFAB_BOOTSTRAP", None)  # run.sh has become this process, which no program of nbfab's is
    # A busy machine is no reason to fail.
    hypothesis.settings.register_profile(
        "nbfab", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("nbfab")


REAL = {
    "here",
    "fresh",
    "served",
    "there",
    "host",
    "long_home",
    "box",
    "sshds",
    "three",
    "stack",
    "browser",
    "guarded",
    "own",
    "rig",
    "trusting",
    "person",
    "patient",
}  # fixtures that start real servers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need real servers, so that the others can run by themselves: -m 'not real'."""
    for item in items:
        if REAL & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests run at the same time."""
    return scheduler(config, log)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    """This machine, with a home folder of its own."""
    machine = Machine(tmp_path)
    yield machine
    machine.close()


@pytest.fixture(scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("served"))
    yield machine
    machine.close()


@pytest.fixture
def served(_served: Machine) -> Machine:
    """A machine whose server runs: one for all tests that leave it as they found it."""
    if not _served.server:
        _served.ok("setup")
    return _served


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Machine]:
    """A host over SSH, and `fab` to reach it."""
    with Sshd(tmp_path / "host") as sshd:
        machine = Machine(tmp_path, sshd, "fab")
        yield machine
        machine.close()


@pytest.fixture
def long_home(tmp_path: Path) -> Iterator[Machine]:
    """A host over SSH, with a home folder whose path is too long for sockets in it."""
    home = tmp_path / ("long" * 20)
    home.mkdir()
    with Sshd(tmp_path / "host", home=home) as sshd:
        machine = Machine(tmp_path, sshd, "fab")
        yield machine
        machine.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """Makes hosts over SSH, each with what `Sshd` takes: a login shell, programs that it lacks."""
    with ExitStack() as stack:

        def make(**options: Any) -> Machine:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            machine = Machine(folder, stack.enter_context(Sshd(folder / "host", **options)), "fab")
            stack.callback(machine.close)
            return machine

        yield make


@pytest.fixture
def sshds(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Callable[..., Sshd]s servers, each in a folder of its own."""
    with ExitStack() as stack:
        numbers = iter(range(100))
        yield lambda **options: stack.enter_context(Sshd(tmp_path / f"sshd{next(numbers)}", **options))


@pytest.fixture
def box(sshds: Callable[..., Sshd]) -> Sshd:
    """A host with an sshd."""
    return sshds()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends whatever a test has begun."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def three(tmp_path: Path, stack: ExitStack) -> Fleet:
    """A fleet of three hosts."""
    return fleet_of(["one", "two", "three"], tmp_path, stack)


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    """A person with browsers and a host."""
    with Sshd(tmp_path / "host") as sshd:
        person = Person(tmp_path, sshd)
        yield person
        person.close()


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trusting:
    """A person, whose home folder is that of this process, too."""
    trusting = Trusting(tmp_path)
    monkeypatch.setenv("HOME", str(trusting.home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return trusting


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Prints why a test fails as it does, in case that the run never gets to its end."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n{report.nodeid}\n{report.longreprtext}", flush=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI nothing is missing, so a test that is skipped there is one that fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
