"""The sh that settles what a look goes by, in the shells that hosts have: it has to agree with the plan."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_cases import KEEP, NEW, seen
from shells import each_shell, records, run

from nbfab.look.choices import Choice, parse
from nbfab.look.look import FILES, look_call
from nbfab.look.request import Request
from nbfab.plan import choices
from nbfab.plan.settle import settle
from nbfab.plan.steps import STEPS, owned, request
from nbfab.program import functions
from nbfab.settings import BY_KEY, RESETTABLE, Settings
from nbfab.wanted import Wanted

ASK = functions(*FILES) + "look_host() { :; }\nlook_directory() { :; }\nlook_files() { :; }\n"
ASK += "look_environments() { :; }\nlook_server() { :; }\nmask=$(umask)\n"
PATHS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=30).filter(str.isprintable)
VALUES = {
    "port": st.integers(1, 65535),
    "directory": PATHS,
    "python": PATHS | st.just(""),
    "app": st.sampled_from(["notebook", "lab"]),
    "packages": st.lists(st.sampled_from(["pandas", "scipy>=1", "x[y]==2.*"]), unique=True).map(tuple),
    "kernels": st.lists(PATHS, unique=True, max_size=3).map(tuple),
    "days": st.integers(1, 3650),
}


def some(sources: tuple[str, ...]) -> st.SearchStrategy[dict[str, Choice]]:
    """Choices of some options, from those sources."""
    of = {key: st.builds(Choice, value, st.sampled_from(sources)) for key, value in VALUES.items()}
    return st.fixed_dictionaries({}, optional=of)


class There:
    """A host whose look goes nowhere; `request` needs to know only that it is not this machine."""

    local = False


def went_by(shell: tuple[str, ...], asked: Request, file: str, home: Path) -> Mapping[str, Any]:
    """What a look goes by on a host with those choices."""
    folder = home / ".local/share/nbfab/nbserver"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "choices").write_text(file, encoding="utf-8")
    call = look_call(There(), asked)  # type: ignore[arg-type]
    printed = records(run(shell, ASK + call, env={"HOME": str(home), "XDG_DATA_HOME": ""}))
    return {name: value for record in printed for name, value in record.items()}


@each_shell
@settings(max_examples=60, deadline=None)
@given(
    before=some(("flag", "inventory#0123456789ab", "inventory#ba9876543210", "folder", "default")),
    now=some(("flag", "inventory", "environment", "folder")),
    resets=st.lists(st.sampled_from(RESETTABLE), max_size=2),
    listed=st.booleans(),
    names=st.sets(st.sampled_from([step.name for step in STEPS])),
)
def test_the_look_goes_by_what_the_plan_settles(
    shell: tuple[str, ...],
    before: dict[str, Choice],
    now: dict[str, Choice],
    resets: list[str],
    listed: bool,
    names: set[str],
) -> None:
    given = Settings()
    for key, choice in now.items():
        if choice.value:
            given = given.with_values({key: choice.value}, choice.source)
    steps = [step for step in STEPS if step.name in names]
    wanted: Wanted = replace(KEEP, settings=given, resets=tuple(resets), inventory="0123456789ab" if listed else "")
    file = choices.text({key: before[key] for key in BY_KEY if key in before}, {})
    with tempfile.TemporaryDirectory() as home:
        found = went_by(shell, request(wanted, steps), file, Path(home))
    assert parse(found["choices.made"]) == parse(file)
    settled = settle(wanted, seen(NEW, choices={"made": parse(file)}), owned(steps)).settings
    keys = ("port", "directory", "python", "app", "packages", "kernels")
    assert {key: found.get(f"choices.{key}", "") for key in keys} == {
        "port": str(settled.port),
        "directory": settled.directory,
        "python": settled.python,
        "app": settled.app,
        "packages": " ".join(settled.packages),
        "kernels": "\n".join(settled.kernels),
    }


@each_shell
@pytest.mark.parametrize(
    "text", ["", "\n\n", "port\n", "port flag\n", "port flag $(id)\n", "#" * 60_000, "x y z\n" * 40_000, "port flag 1"]
)
def test_choices_that_make_no_sense_do_no_harm(shell: tuple[str, ...], text: str, tmp_path: Path) -> None:
    found = went_by(shell, request(KEEP, STEPS), text, tmp_path)
    assert len(found["choices.made"]) < 300_000
    assert found["choices.app"] == "notebook"
    assert parse(found["choices.made"]).broken


@each_shell
def test_of_a_release_without_choices_the_environment_s_question_is_printed(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tmp_path / ".local/share/nbfab/nbserver"
    folder.mkdir(parents=True)
    (folder / "environment").write_text("lab /opt/my env\n{}\n")
    call = look_call(There(), request(KEEP, STEPS))  # type: ignore[arg-type]
    printed = records(run(shell, ASK + call, env={"HOME": str(tmp_path), "XDG_DATA_HOME": ""}))
    assert {"choices.environment": "lab /opt/my env"} in printed
    assert not any("choices.made" in record for record in printed)
