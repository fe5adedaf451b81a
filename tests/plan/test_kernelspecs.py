"""The user's own environments in the menu of kernels, and what keeps one from it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from string import Template
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import NEW, WANTED, after, file, holding, seen

from nbfab.errors import HostError, Refused
from nbfab.fix import Note
from nbfab.look.choices import Choice, Choices
from nbfab.look.facts import Facts
from nbfab.look.kernels import Place
from nbfab.plan import kernel_notes, kernelspecs, profile
from nbfab.plan.change import Change
from nbfab.plan.files import Managed
from nbfab.server.kernels import speaks_ipc
from nbfab.settings import Settings
from nbfab.wanted import Wanted

GEO = Place("geo", "conda", "geo", "/c/envs/geo", "/c/envs/geo/bin/python", "3.12.4", "7.0", pip=True, activates=True)
THESIS = Place("~/thesis/.venv", "venv", ".venv", "/h/thesis/.venv", "/h/thesis/.venv/bin/python", "3.11.2", "6.29.5")
BARE = Place("bare", "venv", "bare", "/h/venvs/bare", "/h/venvs/bare/bin/python", "3.11.2")


def wanting(*kernels: str, source: str = "flag") -> Wanted:
    """What is wanted, with those kernels."""
    return replace(WANTED, settings=Settings.parse({"kernels": list(kernels)}, source))


def having(*places: Place, facts: Facts = NEW, **more: Any) -> Facts:
    """A host on which those were found."""
    return seen(facts, kernels={"found": places, "bash": "/bin/bash"} | more)


def had(facts: Facts, *kernels: str) -> Facts:
    """A host whose profile has had those kernels."""
    return seen(facts, choices={"made": Choices("0.2.0", {"kernels": Choice(kernels, "flag")})})


def only(changes: Iterable[Change]) -> list[Change]:
    """The changes that concern kernels of the user's own."""
    return [change for change in changes if change.kind in ("write kernel", "drop kernel")]


def spec(change: Change) -> dict[str, Any]:
    """The specification that a change writes."""
    return dict(json.loads(change.words[2]))


def test_an_environment_of_conda_s_is_activated() -> None:
    (change,) = only(profile.plan(wanting("geo"), having(GEO)))
    assert change.summary == "put Python 3.12 (geo) into the menu of kernels (/c/envs/geo)"
    assert change.words[0] == "share/jupyter/kernels/nbfab.geo/kernel.json"
    assert change.words[3:] == ("share/jupyter/kernels/nbfab.geo/environment", "16", "geo\n/c/envs/geo\n")
    wrote = spec(change)
    bash, flag, script, _, *rest = wrote["argv"]
    assert (bash, flag) == ("/bin/bash", "-c")
    assert '. "$script"' in script
    assert rest == [GEO.python, "-B", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--profile=nbserver"]
    assert wrote["display_name"] == "Python 3.12 (geo)"
    assert wrote["env"] == {
        "PATH": "/c/envs/geo/bin:${PATH}",
        "CONDA_PREFIX": "/c/envs/geo",
        "CONDA_DEFAULT_ENV": "geo",
        "CONDA_SHLVL": "1",
        "CONDA_PROMPT_MODIFIER": "(geo) ",
    }
    assert speaks_ipc(wrote["argv"], wrote["metadata"])
    assert not change.needs_restart


def test_a_venv_is_run_as_it_is() -> None:
    (change,) = only(profile.plan(wanting(THESIS.given), having(THESIS)))
    wrote = spec(change)
    assert wrote["argv"][0] == THESIS.python
    assert wrote["display_name"] == "Python 3.11 (thesis)"
    assert wrote["env"] == {"PATH": "/h/thesis/.venv/bin:${PATH}", "VIRTUAL_ENV": "/h/thesis/.venv"}
    assert len(change.words) == 3, "a path need not be sought again"
    assert speaks_ipc(wrote["argv"], wrote["metadata"])


def test_without_bash_it_has_its_variables_and_a_note_says_what_is_missing() -> None:
    wanted, facts = wanting("geo"), having(GEO, bash="")
    (change,) = only(profile.plan(wanted, facts))
    assert spec(change)["argv"][0] == GEO.python
    assert spec(change)["env"]["CONDA_PREFIX"] == "/c/envs/geo"
    (note,) = kernel_notes.notes(wanted, facts)
    assert note.words == "the kernel geo does without what activates its environment, which takes bash"
    assert not list(kernel_notes.notes(wanted, having(GEO._replace(activates=False), bash="")))


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (GEO._replace(given="/c", folder="/c", name="base"), "base"),
        (GEO._replace(given="/else/where", folder="/else/where", name="where"), "/else/where"),
        (GEO._replace(given="/c/envs/geo"), "geo"),
    ],
)
def test_the_name_that_conda_has_for_it(place: Place, named: str) -> None:
    (change,) = only(profile.plan(wanting(place.given), having(place)))
    assert spec(change)["env"]["CONDA_DEFAULT_ENV"] == named


def test_the_second_run_changes_nothing_and_a_debugger_changes_the_kernel() -> None:
    wanted, facts = wanting("geo", THESIS.given), having(GEO, THESIS)
    facts = after(facts, profile.plan(wanted, facts))
    assert not list(profile.plan(wanted, facts))
    debugging = replace(wanted, settings=replace(wanted.settings, debugger=True))
    changes = only(profile.plan(debugging, facts))
    assert [change.what for change in changes] == ["rewrite the kernel of geo", f"rewrite the kernel of {THESIS.given}"]
    assert '+    "frozen_modules=off",' in changes[0].diff


def test_one_that_is_no_longer_wanted_goes_and_what_is_not_nbfab_s_stays() -> None:
    wanted, facts = wanting("geo", THESIS.given), having(GEO, THESIS)
    facts = after(facts, profile.plan(wanted, facts))
    facts = holding(facts, file("share/jupyter/kernels/mine/kernel.json"), file("share/jupyter/kernels/nbfab.x/y"))
    (change,) = only(profile.plan(wanting(THESIS.given), facts))
    assert change.summary == "take Python 3.12 (geo) out of the menu of kernels"
    assert change.args == {"file": "share/jupyter/kernels/nbfab.geo/kernel.json"}


def test_the_same_environment_by_two_names_is_one_kernel() -> None:
    changes = only(profile.plan(wanting("geo", "/c/envs/geo"), having(GEO, GEO._replace(given="/c/envs/geo"))))
    assert [spec(change)["display_name"] for change in changes] == ["Python 3.12 (geo)"]


def test_two_of_the_same_name_are_told_apart() -> None:
    other = THESIS._replace(given="/old/thesis", folder="/old/thesis", python="/old/thesis/bin/python")
    changes = only(profile.plan(wanting(THESIS.given, other.given), having(THESIS, other)))
    titles = [spec(change)["display_name"] for change in changes]
    assert titles == ["Python 3.11 (thesis: /h/thesis/.venv)", "Python 3.11 (thesis: /old/thesis)"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("geo", "nbfab.geo"),
        ("py3.12_x-1", "nbfab.py3.12_x-1"),
        ("~/thesis/.venv", "nbfab.thesis-d2eb9d5e"),
        ("Geo", "nbfab.geo-54595d40"),
        ("geo-54595d40", "nbfab.geo-54595d40-84bf3ac6"),
        ("näme 日本", "nbfab.name-ce67cf71"),
        ("日本", "nbfab.kernel-cf2abf0c"),
    ],
)
def test_the_name_of_a_kernel(given: str, name: str) -> None:
    assert kernelspecs.name(given) == name


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(str.isprintable)


@given(NAMES, NAMES)
def test_any_name_is_a_kernel_s_of_its_own(one: str, other: str) -> None:
    kernel = kernelspecs.name(one)
    assert Managed(kernelspecs.spec_file(kernel))
    assert kernel == kernel.lower(), "or Jupyter takes two for one"
    assert kernel not in (".", "..")
    assert (kernel == kernelspecs.name(other)) is (one == other)


@given(NAMES.map(lambda name: f"/h/{name}"))
def test_jupyter_finds_the_folder_again_in_the_variables(folder: str) -> None:
    place = THESIS._replace(given=folder, folder=folder, python=f"{folder}/bin/python")
    try:
        (change,) = only(profile.plan(wanting(folder), having(place)))
    except HostError:
        assert "{" in folder
        return
    env = {name: Template(value).safe_substitute(PATH="/bin") for name, value in spec(change)["env"].items()}
    assert env == {"PATH": f"{folder}/bin:/bin", "VIRTUAL_ENV": folder}


def test_what_jupyter_would_replace_in_a_path_is_refused() -> None:
    place = THESIS._replace(given="/h/{prefix}", folder="/h/{prefix}", python="/h/{prefix}/bin/python")
    with pytest.raises(HostError, match=r"Jupyter would replace \{prefix\} in its path"):
        list(profile.plan(wanting(place.given), having(place)))


def test_a_name_that_several_have_is_refused_with_a_command_for_each() -> None:
    other = GEO._replace(kind="venv", folder="/h/geo/.venv", python="/h/geo/.venv/bin/python")
    facts = having(GEO, other)
    with pytest.raises(Refused, match=r"geo could be any of /c/envs/geo \(conda\), /h/geo/\.venv \(venv\)$") as refused:
        list(profile.plan(wanting("ml", "geo"), having(GEO._replace(given="ml", folder="/c/envs/ml"), GEO, other)))
    assert refused.value.hint.splitlines() == [
        "choose one of them",
        "nbfab --kernel=ml --kernel=/c/envs/geo",
        "nbfab --kernel=ml --kernel=/h/geo/.venv",
    ]
    with pytest.raises(Refused) as refused:
        list(profile.plan(wanting("geo", source="inventory"), facts))
    assert "by its path in the inventory" in refused.value.hint
    # One that was in the menu before stays, with a note.
    assert not only(profile.plan(wanting("geo"), had(facts, "geo")))
    (note,) = kernel_notes.notes(wanting("geo"), had(facts, "geo"))
    assert note.fix[-1] == kernel_notes.task("setup", "--reset=kernels")


@pytest.mark.parametrize(
    ("missing", "names", "words"),
    [
        (("geo", ""), ("ml", "base"), "no environment has that name; there are ml, base"),
        (("geo", ""), (), "no environment has that name; there are none that have a name"),
        (("/gone", "/gone does not exist"), (), "/gone does not exist"),
    ],
)
def test_one_that_is_not_there(missing: tuple[str, str], names: tuple[str, ...], words: str) -> None:
    facts = having(missing=(missing,), names=names)
    with pytest.raises(HostError, match=f"--kernel {missing[0]} cannot be used: {words}") as error:
        list(profile.plan(wanting(missing[0]), facts))
    assert error.value.hint.endswith("nbfab install --list")


def test_one_that_has_vanished_is_a_note_and_its_kernel_stays() -> None:
    wanted, facts = wanting("geo", THESIS.given), having(GEO, THESIS)
    facts = had(after(facts, profile.plan(wanted, facts)), "geo", THESIS.given)
    gone = seen(facts, kernels={"found": (THESIS,), "missing": (("geo", ""),)})
    assert not list(profile.plan(wanted, gone))
    (note,) = kernel_notes.notes(wanted, gone)
    assert note.words == "the kernel geo cannot start: no environment has that name any more"
    assert note.fix == (
        "make it again, or leave it out",
        kernel_notes.task("setup", "--reset=kernels", f"--kernel={THESIS.given}"),
    )
    (note,) = kernel_notes.notes(wanting("geo", source="inventory"), gone)
    assert note.fix == ("make it again, or leave it out in the inventory",)


@pytest.mark.parametrize(
    ("place", "has", "command"),
    [
        (BARE._replace(pip=True), {}, "/h/venvs/bare/bin/python -m pip install ipykernel"),
        (BARE, {"uv": "/u/uv"}, "/u/uv pip install --python /h/venvs/bare/bin/python ipykernel"),
        (
            BARE,
            {},
            "/h/venvs/bare/bin/python -m ensurepip && /h/venvs/bare/bin/python -m pip install ipykernel",
        ),
        (
            GEO._replace(ipykernel=""),
            {"conda": "/c/bin/mamba"},
            "/c/bin/mamba install --yes --prefix /c/envs/geo ipykernel",
        ),
        (GEO._replace(ipykernel=""), {}, "/c/envs/geo/bin/python -m pip install ipykernel"),
        (GEO._replace(ipykernel="", pip=False), {}, "conda install --yes --prefix /c/envs/geo ipykernel"),
        (
            BARE._replace(kind="system", folder="/usr", python="/usr/bin/python3", pip=True),
            {},
            "sudo apt-get install python3-ipykernel",
        ),
        (
            BARE._replace(folder="/h/it's", python="/h/it's/bin/python", pip=True),
            {},
            """'/h/it'"'"'s/bin/python' -m pip install ipykernel""",
        ),
    ],
)
def test_one_without_ipykernel_is_a_note_with_the_command_that_adds_it(
    place: Place, has: dict[str, Any], command: str
) -> None:
    wanted, facts = wanting(place.given), having(place, **has)
    assert not only(profile.plan(wanted, facts))
    (note,) = kernel_notes.notes(wanted, facts)
    assert isinstance(note, Note)
    assert note.words == f"{place.folder} has no ipykernel, so no kernel can start in it"
    assert next(getattr(part, "line", part) for part in note.fix) == command
    assert note.fix[-1] == kernel_notes.task("setup")
