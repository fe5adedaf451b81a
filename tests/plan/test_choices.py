"""What was chosen for a profile stays, and changes to it are said."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import KEEP, NEW, WANTED, after, file, holding, running, seen

from nbfab import __version__
from nbfab.errors import HostError, Refused
from nbfab.fix import task
from nbfab.look.choices import LONGEST, Choice, Choices, parse
from nbfab.look.facts import Facts
from nbfab.passwords import Password
from nbfab.plan import choices, config, password
from nbfab.plan.settle import settle
from nbfab.plan.steps import STEPS, notes, owned, plan
from nbfab.settings import BY_KEY, SOURCES, Settings
from nbfab.wanted import Wanted

MARK = "0123456789ab"  # of an inventory


def wants(listed: str = "", resets: tuple[str, ...] = (), **sources: Mapping[str, Any]) -> Wanted:
    """What is wanted, by the values of each source: `wants(flag={"port": 8765})`."""
    settings = Settings()
    for source, values in sources.items():
        settings = settings.with_values(values, source)
    return replace(KEEP, settings=settings, inventory=listed, resets=resets)


def settled(facts: Facts, wanted: Wanted, steps: Any = STEPS) -> Wanted:
    return settle(wanted, facts, owned(steps))


def chosen(listed: str = MARK, **sources: Mapping[str, Any]) -> Facts:
    """A host with a server that runs as chosen."""
    return running(settled(NEW, replace(wants(listed, (), **sources), password=WANTED.password)))


def said(facts: Facts, wanted: Wanted, steps: Any = STEPS) -> list[str]:
    """What a plan says of the choices."""
    changes = plan(settled(facts, wanted, steps), facts, steps)
    return [change.what for change in changes if change.args.get("file") == choices.FILE]


PORT = {"port": 8765}


@pytest.mark.parametrize(
    ("before", "now", "port", "source", "says"),
    [
        # What was chosen stays.
        ({"flag": PORT}, {}, 8765, "flag", []),
        ({"environment": PORT}, {}, 8765, "environment", []),
        ({"configuration": PORT}, {}, 8765, "configuration", []),
        ({"inventory": PORT}, {}, 8765, "inventory", []),
        # Whatever is chosen now counts more.
        ({"flag": PORT}, {"flag": {"port": 7000}}, 7000, "flag", ["port 8765 -> 7000, from --port"]),
        ({"flag": PORT}, {"inventory": {"port": 7000}}, 7000, "inventory", ["port 8765 -> 7000, from the inventory"]),
        ({"flag": PORT}, {"environment": {"port": 7000}}, 7000, "environment", ["port 8765 -> 7000, from NBFAB_PORT"]),
        (
            {"inventory": PORT},
            {"configuration": {"port": 7000}},
            7000,
            "configuration",
            ["port 8765 -> 7000, from the configuration"],
        ),
        # The same from elsewhere is no news, unless someone types it.
        ({"flag": PORT}, {"inventory": PORT}, 8765, "flag", []),
        ({"inventory": PORT}, {"environment": PORT}, 8765, "inventory", []),
        ({"inventory": PORT}, {"flag": PORT}, 8765, "flag", ["record what was chosen"]),
        # What was in the inventory, and is gone from it.
        (
            {"inventory": PORT},
            {"listed": MARK},
            9999,
            "default",
            ["port 8765 -> 9999, its default, since the inventory no longer has it"],
        ),
        ({"flag": PORT}, {"listed": MARK}, 8765, "flag", []),
        ({"flag": PORT}, {"resets": ("port",)}, 9999, "default", ["port 8765 -> 9999, its default, by --reset"]),
        (
            {"flag": PORT},
            {"resets": ("port",), "flag": {"port": 7000}},
            7000,
            "flag",
            ["port 8765 -> 7000, from --port"],
        ),
        ({}, {"resets": ("port",)}, 9999, "default", []),
        ({}, {"flag": PORT}, 8765, "flag", ["port 9999 -> 8765, from --port"]),
        ({}, {"flag": {"debugger": True}}, 9999, "default", ["debugger off -> on, from --debugger"]),
    ],
)
def test_which_choice_counts(before: Any, now: Any, port: int, source: str, says: list[str]) -> None:
    facts = chosen(**before)
    wanted = wants(**now)
    assert said(facts, wanted) == says
    assert settled(facts, wanted).settings.port == port
    then = after(facts, plan(settled(facts, wanted), facts, STEPS))
    made = then.choices.made.options["port"]
    assert (made.value, made.source.partition("#")[0]) == (port, source)
    assert said(then, wanted) == []
    if not wanted.resets:
        assert said(then, wants()) == []


def test_a_step_changes_only_what_it_is_named_for() -> None:
    facts = chosen(flag={"port": 8765, "python": "/env"})
    wanted = wants(flag={"port": 7000}, environment={"python": "/other"})
    for steps in ([password.STEP], [step for step in STEPS if step.name == "profile"]):
        assert settled(facts, wanted, steps).settings.port == 8765
        assert settled(facts, wanted, steps).settings.python == "/env"
        assert plan(settled(facts, wanted, steps), facts, steps) == []
        about = notes(settled(facts, wanted, steps), facts)
        assert "--port has no effect on this task: port stays 8765" in about
    assert settled(facts, wanted, [config.STEP]).settings.port == 7000
    assert settled(facts, wanted, [config.STEP]).settings.python == "/env"


def test_on_a_new_profile_a_step_takes_what_is_given() -> None:
    wanted = wants(environment={"python": "/env"})
    assert settled(NEW, wanted, [password.STEP]).settings.python == "/env"


@pytest.mark.parametrize("private", ["localhost", "127.0.0.1", "::1"])
def test_a_protective_choice_that_has_vanished_is_a_downgrade(private: str) -> None:
    facts = chosen(inventory={"ip": private})
    *_, says = said(facts, wants(MARK))
    assert says.startswith(f"ip {private} -> *, its default, since the inventory no longer has it; a downgrade: ")
    *_, says = said(facts, wants(MARK, inventory={"ip": "192.0.2.7"}))
    assert "; a downgrade: other machines will reach the server" in says
    assert "downgrade" not in said(facts, wants(flag={"ip": "*"}))[0]  # that was typed
    assert "downgrade" not in said(facts, wants(flag={"ip": "::1" if private != "::1" else "127.0.0.1"}))[0]


def test_from_another_folder_the_first_one_is_kept() -> None:
    facts = chosen(folder={"directory": "/home/ann/first"})
    wanted = settled(facts, wants(folder={"directory": "/home/ann/second"}))
    assert wanted.settings.directory == "/home/ann/first"
    assert notes(wanted, facts)[0] == (
        "it serves /home/ann/first, not the current folder: --directory . would change that"
    )
    wanted = settled(facts, wants(flag={"directory": "/home/ann/second"}))
    assert wanted.settings.directory == "/home/ann/second"


def test_a_newer_nbfab_s_profile_is_left_alone() -> None:
    newer = seen(running(), choices={"made": Choices("999.0")})
    for steps in (STEPS, (password.STEP,)):
        with pytest.raises(Refused, match=rf"^nbfab 999\.0 takes care of this profile; this is {__version__}") as error:
            plan(KEEP, newer, steps)
        assert error.value.hint == "upgrade nbfab on this machine"
    plan(KEEP, seen(running(), choices={"made": Choices("0.1.0")}), STEPS)


def test_another_version_alone_is_recorded_by_a_whole_setup_only() -> None:
    facts = chosen()
    entry = facts.files.entry(choices.FILE)
    assert entry
    old = entry.text.replace(f"nbfab {__version__}", "nbfab 0.1.9")
    facts = seen(holding(facts, file(choices.FILE, old)), choices={"made": parse(old)})
    assert plan(settled(facts, wants(), [config.STEP]), facts, [password.STEP]) == []
    assert said(facts, wants()) == ["record what was chosen"]


def test_choices_that_cannot_be_read_are_an_error_with_a_fix() -> None:
    facts = seen(running(), choices={"made": parse("nbfab 0.2.0\nport flag 70000\n")})
    with pytest.raises(
        HostError, match=r"choices cannot be read: port must be a whole number .*, not '70000'$"
    ) as error:
        plan(KEEP, facts, STEPS)
    assert error.value.hint == "on the host: rm /home/ann/.local/share/nbfab/nbserver/choices"


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("", "its first line is not the version of nbfab"),
        ("port flag 8765\n", "its first line is not the version of nbfab"),
        ("nbfab 0.2.0\nport\n", "'port' is not a choice"),
        ("nbfab 0.2.0\nport nowhere 8765\n", "'nowhere' is not a source"),
        ("nbfab 0.2.0\nport flag eight\n", "port must be a whole number from 1 to 65535, not 'eight'"),
        ("nbfab 0.2.0\ndirectory flag /a\x1b[0m\n", "directory must be a path without control characters"),
        ("nbfab 0.2.0\nname typed a b\n", "'a b' is not a name, or one too many"),
        ("nbfab 0.2.0\n" + "".join(f"name typed n{n}\n" for n in range(101)), "'n100' is not a name, or one too many"),
        ("nbfab 0.2.0\n" + "#" * LONGEST, "it is too long"),
        ("nbfab " + "9" * 400 + ".0\n", "its first line is not the version of nbfab"),
    ],
)
def test_what_makes_no_sense_is_said(text: str, broken: str) -> None:
    found = parse(text)
    assert found.broken.startswith(broken)
    assert not found.options


def test_what_a_newer_release_may_add_is_left_out() -> None:
    assert parse("# a comment\nnbfab 0.9.0\nauthority inventory lab\nport flag 8765\n").options == {
        "port": Choice(8765, "flag")
    }


@given(st.text())
def test_any_text_is_choices_or_says_why_not(text: str) -> None:
    found = parse(f"nbfab 0.2.0\n{text}")
    assert found.broken or found.version == "0.2.0"


_VALUES = {
    "port": st.integers(1, 65535),
    "ip": st.ip_addresses().map(str) | st.sampled_from(["*", "localhost"]),
    "directory": st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=40).filter(
        lambda path: path.isprintable()
    ),
    "app": st.sampled_from(["notebook", "lab"]),
    "days": st.integers(1, 3650),
}
_OPTIONS = st.fixed_dictionaries(
    {}, optional={key: st.builds(Choice, value, st.sampled_from([*SOURCES])) for key, value in _VALUES.items()}
)


@given(_OPTIONS)
def test_what_is_written_is_read(options: Mapping[str, Choice]) -> None:
    options = {key: options[key] for key in BY_KEY if key in options}
    found = parse(choices.text(options, {"gpu1.example.org": "typed"}))
    assert (found.broken, dict(found.options)) == ("", options)
    assert dict(found.names) == {"gpu1.example.org": "typed"}


def test_what_waits_for_kernels_is_recorded_apart_from_the_rest() -> None:
    """Or a name that the certificate has by then would be dropped by the next run, and come back with the one after."""
    facts = chosen(flag={"port": 8765})
    wanted = settled(facts, wants(flag={"port": 7000, "names": ["lab.example.org"], "days": 90}))
    records = [change for change in plan(wanted, facts, STEPS) if change.args.get("file") == choices.FILE]
    assert [(change.what, change.needs_restart) for change in records] == [
        ("days 365 -> 90, from --days; add the name lab.example.org", False),
        ("port 8765 -> 7000, from --port", True),
    ]
    then = after(facts, records[:1])
    assert then.choices.made.options["port"].value == 8765
    assert then.choices.made.options["days"].value == 90
    assert "lab.example.org" in then.choices.made.names


def test_a_step_that_restarts_nothing_asks_for_no_restart() -> None:
    facts = chosen(flag={"python": "/env"})
    (install, certificate) = ([step] for step in STEPS if step.name in ("install", "certificate"))
    changes = plan(settled(facts, wants(flag={"python": "/other"}), install), facts, install)
    assert [(change.what, change.needs_restart) for change in changes] == [
        ("python /env -> /other, from --python", False)
    ]
    then = after(facts, changes)
    changes = plan(settled(then, wants(flag={"days": 90}), certificate), then, certificate)
    assert not any(change.needs_restart for change in changes)


@pytest.mark.parametrize("line", ["names flag www.bank.example", "profile flag other"])
def test_the_host_s_record_sets_no_names_and_no_profile(line: str) -> None:
    found = parse(f"nbfab 0.2.0\nport flag 8765\n{line}\n")
    assert found.options == {"port": Choice(8765, "flag")}
    assert not found.names


def test_another_inventory_takes_nothing_back() -> None:
    facts = chosen(inventory={"port": 8765, "ip": "127.0.0.1"})
    assert said(facts, wants("ba9876543210", inventory={"port": 8765})) == []
    assert len(said(facts, wants(MARK, inventory={"port": 8765}))) == 1


def test_without_the_environment_a_step_that_has_to_restart_changes_nothing() -> None:
    facts = seen(chosen(flag={"python": "/env"}), environments={"found": (), "python_fails": "/env does not exist"})
    wanted = replace(settled(facts, wants(), [password.STEP]), password=Password("another horse battery"))
    with pytest.raises(HostError, match=r"^the python /env that was chosen cannot be used: /env does") as error:
        plan(wanted, facts, [password.STEP])
    assert error.value.fix[-1] == task("setup", "--reset=python")
