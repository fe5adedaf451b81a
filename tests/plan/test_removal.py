"""What is removed from a host, in which order, and what stays."""

import json
from dataclasses import replace
from typing import Any

import pytest
from plan_cases import NEW, NOW, WANTED, file, holding, listed, running, seen

from nbfab.errors import HostError, Refused
from nbfab.look.choices import Choices
from nbfab.look.facts import Facts
from nbfab.look.left import LeftFacts, Made, Run, Trace
from nbfab.look.server import Answer, Kernel
from nbfab.plan import removal
from nbfab.plan.change import Change

BASE = "/home/ann/.local/share/nbfab"
FOLDER = f"{BASE}/nbserver"
SHARE, LOCAL = "/home/ann/.local/share", "/home/ann/.local"
MADE = Made((BASE, SHARE, LOCAL))


PROFILE = listed("choices", "environment", "generation", "nbserver.pem", "runtime/", "runtime/kernel-1.json")
VENV: dict[str, Any] = {
    "beside": listed(".venv/", ".made"),
    "environment": listed("bin/", "lib/", "complete", "lib64@"),
}


def left(facts: Facts = NEW, **values: Any) -> Facts:
    """A host with a profile, of which that is left."""
    base: dict[str, Any] = {"entries": PROFILE, "made": MADE, "alone": (SHARE, LOCAL), "beside": listed(".made")}
    facts = seen(facts, files={"state": "folder", "nearest": FOLDER})
    return seen(facts, left=vars(LeftFacts(**(base | values))))


def brief(changes: list[Change]) -> list[tuple[str, ...]]:
    """What is to be removed, in a few words each."""
    return [
        (change.kind,)
        if change.kind != "remove"
        else (
            change.args["root"],
            *(
                f"{mark}{path}"
                for mark, name in (("", "files"), ("*", "trees"), ("/", "folders"), ("^", "above"))
                for path in change.args[name].splitlines()
            ),
        )
        for change in changes
    ]


THE_ENVIRONMENT = (BASE, ".venv/complete", ".venv/lib64", "*.venv/bin", "*.venv/lib", "/.venv")
THE_PROFILE = (FOLDER, "nbserver.pem", "runtime/kernel-1.json", "/runtime")
ITS_FOLDER = (FOLDER, "ran", "choices", "environment", "generation", "lock/holder", "/lock", "/.")
ABOVE = (BASE, ".made", "/.", f"^{SHARE}", f"^{LOCAL}")


@pytest.mark.parametrize(
    ("facts", "changes"),
    [
        (left(), [THE_PROFILE, ITS_FOLDER, ABOVE]),
        (left(running()), [("stop server",), THE_PROFILE, ITS_FOLDER, ABOVE]),
        # What a cut has left, from its first moment to its last.
        (left(entries=listed("generation", "lock/", "lock/holder")), [ITS_FOLDER, ABOVE]),
        (left(entries=()), [ITS_FOLDER, ABOVE]),
        (seen(left(entries=()), files={"state": "absent", "nearest": BASE}), [ABOVE]),
        (
            seen(left(entries=(), beside=()), files={"state": "absent", "nearest": BASE}),
            [(BASE, "/.", f"^{SHARE}", f"^{LOCAL}")],
        ),
        (seen(NEW, files={"state": "absent", "nearest": "/home/ann"}), []),
        # The user's own, in each place.
        (
            left(entries=(*PROFILE, *listed("my.ipynb", "runtime/mine"))),
            [
                (FOLDER, "nbserver.pem", "runtime/kernel-1.json"),
                (FOLDER, "choices", "environment", "generation", "lock/holder", "/lock"),
            ],
        ),
        (left(entries=listed("my.ipynb")), []),
        (left(beside=listed(".made", "mine")), [THE_PROFILE, ITS_FOLDER]),
        (left(alone=()), [THE_PROFILE, ITS_FOLDER, (BASE, ".made", "/.")]),
        # What was there before, and what a release has not recorded.
        (left(made=Made((BASE, SHARE))), [THE_PROFILE, ITS_FOLDER, (BASE, ".made", "/.", f"^{SHARE}")]),
        (left(made=Made((BASE, LOCAL))), [THE_PROFILE, ITS_FOLDER, (BASE, ".made", "/.")]),
        (left(made=Made(), beside=()), [THE_PROFILE, ITS_FOLDER, (BASE, "/.")]),
        # The environment, which another profile may use.
        (
            left(**VENV),
            [
                THE_PROFILE,
                (BASE, ".venv/complete", ".venv/lib64", "*.venv/bin", "*.venv/lib", "/.venv"),
                ITS_FOLDER,
                ABOVE,
            ],
        ),
        (left(**VENV, profiles=("GPU2",), users=("GPU2",)), [THE_PROFILE, ITS_FOLDER]),
        (
            left(**VENV, profiles=("GPU2",)),
            [THE_PROFILE, THE_ENVIRONMENT, ITS_FOLDER],
        ),
        (
            left(beside=listed(".venv/", ".cache/"), environment=listed("bin/", "mine")),
            [THE_PROFILE, (BASE, "*.cache", "*.venv/bin"), ITS_FOLDER],
        ),
        (left(beside=listed(".venv@", ".made")), [THE_PROFILE, (BASE, ".venv"), ITS_FOLDER, ABOVE]),
        (left(base_is_link=True), [THE_PROFILE, ITS_FOLDER]),
        # Planted links are removed as such.
        (
            left(entries=listed("generation", "runtime@", "mine@")),
            [(FOLDER, "runtime"), (FOLDER, "generation", "lock/holder", "/lock")],
        ),
        # Sockets elsewhere, if they are in such a folder as nbfab makes.
        (
            left(sockets=listed("/var/tmp/nbfab.a1B2c3/", "/var/tmp/nbfab.a1B2c3/tmux")),
            [("/var/tmp/nbfab.a1B2c3", "tmux", "/."), THE_PROFILE, ITS_FOLDER, ABOVE],
        ),
        (
            left(sockets=listed("/var/tmp/nbfab.a1B2c3/", "/var/tmp/nbfab.a1B2c3/tmux", "/var/tmp/nbfab.a1B2c3/mine")),
            [("/var/tmp/nbfab.a1B2c3", "tmux"), THE_PROFILE, ITS_FOLDER, ABOVE],
        ),
        *(
            (left(sockets=listed(f"{place}/", f"{place}/tmux")), [THE_PROFILE, ITS_FOLDER, ABOVE])
            for place in ("/home/ann/important", "/var/tmp/nbfab.a1B2c3d", "/var/tmp/nbfab.a/b/c3", "/var/tmp")
        ),
        (left(panes=("17",)), [("end session",), THE_PROFILE, ITS_FOLDER, ABOVE]),
        (left(running(), panes=("10", "17")), [("stop server",), ("end session",), THE_PROFILE, ITS_FOLDER, ABOVE]),
        (
            left(orphans=(("21", "7"), ("22", "8"))),
            [("end process",), ("end process",), THE_PROFILE, ITS_FOLDER, ABOVE],
        ),
        # The shell around a server that has crashed, or that has ended and left something.
        (left(seen(running(), server={"alive": False})), [("stop server",), THE_PROFILE, ITS_FOLDER, ABOVE]),
    ],
)
def test_what_is_removed_and_in_which_order(facts: Facts, changes: list[tuple[str, ...]]) -> None:
    assert brief(removal.plan(WANTED, facts)) == changes


@pytest.mark.parametrize("facts", [left(relays=("7",)), seen(left(), relay={"running": ("relay-1", "relay-2")})])
def test_the_relays_of_open_end_before_their_files_go(facts: Facts) -> None:
    assert [change.kind for change in removal.plan(WANTED, facts)][:2] == ["end relay", "remove"]


LINGERS: dict[str, Any] = {"made": Made(MADE.folders, (("ann", "box"),)), "lingers": "ann"}


@pytest.mark.parametrize(
    ("values", "off", "turned", "words"),
    [
        (LINGERS, True, True, ""),
        (
            LINGERS,
            False,
            False,
            "turns it off, too, or later\non the host: loginctl disable-linger ann",
        ),
        (LINGERS | {"profiles": ("GPU2",)}, True, False, "the other profiles' servers need it"),
        ({"made": Made(MADE.folders, (("ann", "another"),)), "lingers": "ann"}, True, False, "not turned it on here"),
        (LINGERS | {"lingers": ""}, True, False, "not turned it on here"),
        ({}, False, False, ""),
    ],
)
def test_lingering_is_turned_off_if_nbfab_turned_it_on_and_that_is_asked_for(
    values: dict[str, Any], off: bool, turned: bool, words: str
) -> None:
    wanted, facts = replace(WANTED, linger_off=off), left(**values)
    kinds = [change.kind for change in removal.plan(wanted, facts)]
    assert ("turn lingering off" in kinds) == turned
    if turned:  # while there is still a record of it
        assert kinds.index("turn lingering off") < len(kinds) - 2
    notes = [note for note in removal.notes(wanted, facts) if "linger" in note]
    assert len(notes) == bool(words)
    assert all(words in note for note in notes)


FONTS, LOG = ".cache/matplotlib/fontlist-v390.json", ".npm/_logs/2026-11-26T03_48-debug-0.log"
TRACES: dict[str, Any] = {"traces": (Trace(int(NOW) + 5, FONTS), Trace(int(NOW) + 5, ".cache/mine"))}


@pytest.mark.parametrize(("launcher", "removed"), [("1", True), ("2", True), ("3", False), ("", False)])
def test_traces_are_those_of_servers_of_earlier_releases(launcher: str, removed: bool) -> None:
    facts = running()
    script = facts.files.text("run.sh").replace(": launcher 3\n", f": launcher {launcher}\n" if launcher else "")
    facts = holding(facts, file("run.sh", script))
    assert facts.server.started
    note = json.dumps({"digest": facts.server.started.digest, "takes": {"launcher": launcher}})
    facts = holding(facts, file("started.json", note if launcher else "{}"))
    first, *_ = brief(removal.plan(WANTED, left(facts, **TRACES)))
    assert (first == ("~", FONTS)) == removed


@pytest.mark.parametrize(
    ("alive", "changed", "removed"), [(True, -1, False), (True, 9, True), (False, 3, True), (False, 9, False)]
)
def test_traces_are_of_the_time_when_the_last_server_ran(alive: bool, changed: int, removed: bool) -> None:
    facts = running()
    assert facts.server.started
    note = json.dumps({"digest": facts.server.started.digest, "takes": {"launcher": "1"}})
    facts = seen(holding(facts, file("started.json", note)), server={"alive": alive})
    traces = (Trace(int(NOW) + changed, FONTS),)
    found = brief(removal.plan(WANTED, left(facts, traces=traces, logged=int(NOW) + 4)))
    assert (("~", FONTS) in found) == removed


@pytest.mark.parametrize(("changed", "removed"), [(99, False), (100, True), (200, True), (201, False), (350, True)])
def test_traces_are_of_the_time_of_a_recorded_run(changed: int, removed: bool) -> None:
    traces = (Trace(changed, FONTS), Trace(150, LOG), Trace(150, ".npm/_logs/mine"))
    found = brief(removal.plan(WANTED, left(traces=traces, runs=(Run(100, 200), Run(300, 400)))))
    assert found[0] == (("~", FONTS, LOG) if removed else ("~", LOG))


@pytest.mark.parametrize(
    ("later", "folders", "note"),
    [
        ((".config/", ".config/matplotlib/"), ("/.config/matplotlib", "/.config"), ""),
        ((".config/", ".config/matplotlib/", ".config/mine"), ("/.config/matplotlib",), ""),
        ((".config/", ".config/matplotlib/", ".config/matplotlib/matplotlibrc"), (), ".config/matplotlib/matplotlibrc"),
        ((".config/matplotlib/", ".config/matplotlib/stylelib/"), (), ".config/matplotlib/stylelib"),
        ((".npm/",), (), ".npm"),  # was there before
        ((".config/", ".config/matplotlib@"), (), ""),
    ],
)
def test_folders_in_the_home_folder_go_if_they_are_empty_and_were_not_there_before(
    later: tuple[str, ...], folders: tuple[str, ...], note: str
) -> None:
    made = replace(MADE, absent=(".config", ".config/matplotlib", ".cache"))
    facts = left(made=made, later=listed(*later))
    first, *_ = brief(removal.plan(WANTED, facts))
    assert first == (("~", *folders) if folders else THE_PROFILE)
    notes = list(removal.notes(WANTED, facts))
    words = "later than the first setup, and not nbfab's, so this stays in the home folder"
    assert notes == ([f"{words}: {note}"] if "/" in note else [])


def test_folders_above_go_once_what_is_beside_them_is_gone() -> None:
    """It was there when they were looked at, so a second round has to tell."""
    made = replace(MADE, absent=(".local/share/uv",))
    found = brief(removal.plan(WANTED, left(made=made, later=listed(".local/share/uv/"), alone=())))
    assert found == [("~", "/.local/share/uv"), THE_PROFILE, ITS_FOLDER]


@pytest.mark.parametrize(
    ("facts", "notes"),
    [
        (left(), []),
        (left(entries=listed("my.ipynb", "a/", "a/b")), [f"not nbfab's, so this stays in {FOLDER}: my.ipynb, a"]),
        (left(entries=listed(*"abcdefg")), [f"not nbfab's, so this stays in {FOLDER}: a, b, c, d, e and 2 more"]),
        (left(beside=listed("mine", ".made")), [f"not nbfab's, so this stays in {BASE}: mine"]),
        (
            left(**VENV, profiles=("GPU2", "X"), users=("X",)),
            ["other profiles stay: GPU2, X", f"the environment {BASE}/.venv stays, since a profile uses it: X"],
        ),
        (
            left(made=Made(), others=(".cache/matplotlib", ".npm")),
            [
                "nbfab has no record of whether it made these, so they stay: "
                f"{SHARE}, {LOCAL}, ~/.cache/matplotlib, ~/.npm"
            ],
        ),
        (left(others=(".npm",)), []),
        (left(base_is_link=True), [f"{BASE} stays: it is a link, which nbfab did not make"]),
    ],
)
def test_what_stays_is_named(facts: Facts, notes: list[str]) -> None:
    assert list(removal.notes(WANTED, facts)) == notes


def test_what_a_removal_would_end() -> None:
    busy = seen(
        running(), server={"answer": Answer(True, "", 9999, (Kernel("0123456789", "a.ipynb", "busy"),), ("1",))}
    )
    assert removal.live(left(busy, panes=("10",))) == ("kernel 01234567 of a.ipynb (busy)", "terminal 1")
    assert removal.live(left(running(), panes=("10", "17"))) == ("1 more window of its tmux session",)
    assert removal.live(left(seen(running(), server={"alive": False}), panes=("10",))) == ()
    assert removal.live(left(panes=("17", "18"))) == ("2 more windows of its tmux session",)
    assert removal.live(left(orphans=(("21", "7"),))) == ("a kernel that has outlived its server (process 21)",)
    assert removal.live(left()) == ()


def test_a_folder_that_is_a_link_read_only_or_of_a_newer_release_is_left_alone() -> None:
    for state, words in (("link", "is a symbolic link"), ("other", "is not a folder that can be entered")):
        with pytest.raises(HostError, match=words):
            removal.plan(WANTED, seen(left(), files={"state": state}))
    with pytest.raises(HostError, match=f"^{FOLDER} is not writable for ann$"):
        removal.plan(WANTED, seen(left(), files={"writable": False}, host={"user": "ann"}))
    with pytest.raises(Refused, match=r"nbfab 9\.1 takes care of this profile"):
        removal.plan(WANTED, seen(left(), choices={"made": Choices("9.1")}))
    assert removal.plan(WANTED, seen(left(), choices={"made": Choices(broken="it is too long")}))
