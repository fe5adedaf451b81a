"""Which environment serves: with matplotlib rather than without, and the one that was chosen or is there before all."""

from dataclasses import replace
from typing import Any

import pytest
from plan_cases import CLASSIC, KEEP, LAB, MODERN, NEW, after, seen, wanting

from nbfab.errors import HostError, Refused
from nbfab.look.choices import Choice, Choices
from nbfab.look.environments import Environment, Named
from nbfab.look.facts import Facts
from nbfab.plan import environment, install
from nbfab.plan.choices import FILE
from nbfab.plan.settle import settle
from nbfab.plan.steps import STEPS, owned, plan
from nbfab.settings import Settings
from nbfab.wanted import Wanted

OWN = "/home/ann/.local/share/nbfab/.venv/bin/python"
DEBIAN = CLASSIC.python
TOOLS = {"python3": "/usr/bin/python3", "venv": "3.11"}


def plots(of: Environment, **other: Any) -> Environment:
    """That environment, with matplotlib."""
    return of._replace(packages={**of.packages, "matplotlib": "3.9"}, **other)


HERE = plots(MODERN, source="here", python="/clone/.venv/bin/python")
MADE = plots(MODERN, source="made", python=OWN)


def named(python: str) -> dict[str, str]:
    """The setting `python`, if there is one."""
    return {"python": python} if python else {}


def having(*found: Environment, **facts: Any) -> Facts:
    """A host with those environments that can make one, too."""
    return seen(NEW, environments={"found": found, **TOOLS, **facts})


@pytest.mark.parametrize(
    ("found", "settings", "python"),
    [
        # A clone of nbfab, whose own environment has all that Debian's lacks.
        ((CLASSIC, HERE), {}, HERE.python),
        ((plots(CLASSIC), HERE), {}, DEBIAN),
        ((CLASSIC, plots(LAB)), {}, LAB.python),
        ((plots(LAB), HERE), {}, HERE.python),
        ((MADE, plots(CLASSIC)), {}, OWN),
        # Nothing that plots: a new one, but where one was chosen.
        ((CLASSIC,), {}, OWN),
        ((LAB,), {"app": "lab"}, OWN),
        ((CLASSIC._replace(source="asked"),), {"python": "/usr/bin/python3"}, DEBIAN),
        ((LAB,), {"python": "jupyterlab"}, LAB.python),
        # What the profile has stays.
        ((CLASSIC._replace(source="kept"), HERE), {}, DEBIAN),
        ((LAB._replace(source="kept"), HERE), {}, LAB.python),
        ((CLASSIC._replace(source="before"), HERE), {}, DEBIAN),
        ((LAB._replace(source="before"), HERE), {"app": "lab"}, LAB.python),
        # ... unless it has not the app that is asked for now.
        ((CLASSIC._replace(source="before"), plots(LAB)), {"app": "lab"}, LAB.python),
        ((LAB._replace(source="before"), HERE), {}, HERE.python),
        ((LAB._replace(source="kept", packages={}), HERE), {}, HERE.python),
        # The one that nbfab makes, if it is asked for.
        ((HERE, MADE), {"python": "new"}, OWN),
        ((HERE,), {"python": "new"}, OWN),
    ],
)
def test_which_environment_serves(found: Any, settings: dict[str, str], python: str) -> None:
    assert environment.choose(wanting(**settings), having(*found)).python == python


def test_without_the_tools_to_make_one_what_is_there_serves() -> None:
    for tools in ({"python3": "", "venv": ""}, {"venv": ""}, {"venv": "3.8"}):
        assert environment.choose(KEEP, having(CLASSIC, **tools)).python == DEBIAN
    assert environment.choose(replace(KEEP, as_found=True), having(CLASSIC)).python == DEBIAN
    assert environment.choose(KEEP, having(CLASSIC, uv="/bin/uv", python3="")).python == OWN


def test_what_is_remembered_serves_also_without_matplotlib() -> None:
    assert environment.choose(KEEP, having(CLASSIC, remembered=True)).python == DEBIAN


def test_a_new_one_for_the_sake_of_plots_says_so_and_how_to_do_without() -> None:
    (change,) = install.plan(KEEP, having(CLASSIC))
    folder = "/home/ann/.local/share/nbfab/.venv"
    assert change.summary == (
        f"make an environment with notebook and matplotlib in {folder}, by python3 -m venv: "
        "/usr/bin/python3 has no matplotlib"
    )
    assert (
        change.note == "to serve /usr/bin/python3: notebook 6.4.12 all the same\nnbfab setup --python=/usr/bin/python3"
    )
    (change,) = install.plan(KEEP, having())
    assert (change.reason, change.note) == ("", "")


@pytest.mark.parametrize(
    ("made", "whole"),
    [
        (MADE, True),
        (MADE._replace(pip=False), False),
        (MADE._replace(packages=MODERN.packages), False),
        (plots(LAB, source="made", python=OWN), False),
    ],
)
def test_an_environment_of_nbfab_s_own_has_the_app_matplotlib_and_pip(made: Environment, whole: bool) -> None:
    kinds = [change.kind for change in install.plan(wanting(python="new"), having(made))]
    assert kinds == (["use environment"] if whole else ["make environment"])


def test_a_host_that_cannot_make_one_says_why_if_it_is_asked_for() -> None:
    with pytest.raises(HostError, match="there is no python3 and no uv"):
        list(install.plan(wanting(python="new"), having(MADE._replace(packages={}), python3="", venv="")))


EXTENDED = {**MADE.packages, "jupytext": "1.17", "nbdime": "4.0"}


@pytest.mark.parametrize(
    ("found", "settings", "what"),
    [
        ((), {}, "make an environment with notebook, matplotlib and jupytext"),
        ((MADE,), {}, "add jupytext to the environment that nbfab made"),
        ((MADE,), {"python": "new"}, "add jupytext to the environment that nbfab made"),
        ((MADE, plots(CLASSIC)), {"packages": ["jupytext", "NBdime"]}, "add jupytext, NBdime to the environment"),
        ((MADE._replace(packages=EXTENDED),), {"packages": ["jupytext", "NBdime"]}, "use the environment that nbfab"),
        (
            (MADE._replace(packages=EXTENDED),),
            {"packages": "jupytext>=1"},
            "add jupytext>=1 to the environment that",
        ),
        (
            (plots(LAB),),
            {"python": "new", "packages": "jupytext[x]"},
            "make an environment with notebook, matplotlib",
        ),
        # Where nothing is lacking, nothing has to be added.
        ((HERE._replace(packages=EXTENDED),), {}, "use the environment that nbfab runs in"),
    ],
)
def test_what_the_server_needs_is_added_to_the_environment_that_nbfab_makes(
    found: Any, settings: Any, what: str
) -> None:
    wanted = wanting(**({"packages": "jupytext"} | settings))
    (change,) = install.plan(wanted, having(*found))
    assert change.what.startswith(what)
    assert change.args["packages"] == " ".join(wanted.settings.packages)
    done = having(MADE._replace(packages=EXTENDED), remembered=True)
    recorded = {key: Choice(value, "flag") for key, value in (("packages", wanted.settings.packages),)}
    done = seen(done, choices={"made": Choices("0.2", recorded)})
    assert list(install.plan(wanted, done)) == []


@pytest.mark.parametrize(
    ("found", "python"), [(HERE, ""), (plots(CLASSIC), ""), (LAB, "jupyterlab"), (CLASSIC, "/usr/bin/python3")]
)
def test_what_the_server_needs_is_added_nowhere_else(found: Environment, python: str) -> None:
    wanted = wanting(packages=["pandas", "jupytext>=1", "nbdime"], **named(python))
    with pytest.raises(Refused, match=rf"^--with jupytext>=1: that is for the .* and not to {found.python}$") as error:
        list(install.plan(wanted, having(found)))
    assert error.value.hint == "nbfab setup --python=new '--with=jupytext>=1' --with=nbdime"


def test_packages_that_were_chosen_for_one_environment_keep_no_one_from_another() -> None:
    wanted = replace(wanting(packages="jupytext", python="/env"), kept=frozenset({"packages"}))
    facts = having(MODERN._replace(source="asked"))
    (change,) = install.plan(wanted, facts)
    assert change.kind == "use environment"
    (note,) = [note for note in install.standing(wanted, facts) if "jupytext" in str(note)]
    assert "jupytext is for the server, whose /env/bin/python nbfab has not made" in str(note)


def test_with_adds_to_what_was_added_before_and_an_inventory_says_all() -> None:
    def settled(facts: Facts, source: str, packages: list[str]) -> Wanted:
        given = Settings.parse({"packages": packages} if packages else {}, source)
        return settle(replace(KEEP, settings=given), facts, owned(STEPS))

    facts = having(MADE)
    for source, packages, now, says in (
        ("flag", ["pandas"], ("pandas",), "record what was chosen"),
        ("flag", ["scikit-learn", "pandas>=2"], ("pandas>=2", "scikit-learn"), "packages pandas -> pandas>=2 scikit"),
        ("flag", [], ("pandas>=2", "scikit-learn"), ""),
        ("inventory", ["scikit-learn"], ("scikit-learn",), "packages pandas>=2 scikit-learn -> scikit-learn, from the"),
    ):
        wanted = settled(facts, source, packages)
        assert wanted.settings.packages == now
        changes = plan(wanted, facts, STEPS)
        (said,) = [change.what for change in changes if change.args.get("file") == FILE] or [""]
        assert said.startswith(says)
        facts = after(facts, changes)
        assert facts.choices.made.options["packages"].value == now


@pytest.mark.parametrize(
    ("facts", "python", "reason", "fix"),
    [
        (
            {"named": (Named("conda", "/opt/conda/envs/ml"), Named("folder", "/home/ann/ml"))},
            "ml",
            "--python ml could be any of /opt/conda/envs/ml (conda), /home/ann/ml (folder)",
            "choose one of them\nnbfab --python=/opt/conda/envs/ml\nnbfab --python=/home/ann/ml",
        ),
        (
            {"names": ("base", "geo")},
            "ml",
            "--python ml cannot be used: no environment has that name; there are base, geo",
            "--python takes one of those, or a path, which has a / or ~ in it",
        ),
        (
            {},
            "it's",
            "--python it's cannot be used: no environment has that name; there are none that have a name",
            "--python takes one of those",
        ),
        (
            {"named": (Named("folder", "/home/ann/ml"),), "python_fails": "/home/ann/ml/bin/python does not exist"},
            "ml",
            "--python ml cannot be used: /home/ann/ml/bin/python does not exist",
            "name an environment",
        ),
    ],
)
def test_a_name_that_is_none_or_several(facts: Any, python: str, reason: str, fix: str) -> None:
    with pytest.raises((HostError, Refused)) as error:
        list(install.plan(wanting(python=python), having(**facts)))
    assert str(error.value) == reason
    assert error.value.hint.startswith(fix)


@pytest.mark.parametrize(
    ("python", "found", "name"),
    [
        ("", "/home/ann/miniconda3/envs/geo/bin/python", "geo"),
        ("", "/home/ann/thesis/.venv/bin/python3", "thesis"),
        ("", "/home/ann/my env/venv/bin/python3", "my env"),
        ("", DEBIAN, DEBIAN),
        ("", "/usr/local/bin/python3.12", "/usr/local/bin/python3.12"),
        ("", OWN, "nbfab's own"),
        ("new", OWN, "nbfab's own"),
        ("base", "/home/ann/miniforge3/bin/python", "base"),
        ("/opt/conda", "/opt/conda/bin/python", "conda"),
        ("", "/venv/bin/python", "venv"),
        ("", "/python", "/python"),
    ],
)
def test_the_kernel_menu_says_which_environment(python: str, found: str, name: str) -> None:
    facts = having(plots(MODERN, python=found))
    assert environment.label(wanting(**named(python)), facts) == name


def test_what_serves_instead_if_none_can_be_made() -> None:
    instead = install.falls_back(KEEP, having(CLASSIC))
    assert instead
    assert instead.python == DEBIAN
    assert install.falls_back(KEEP, having()) is None
    assert install.falls_back(replace(KEEP, as_found=True), having(CLASSIC)) is None
    for settings in ({"python": "new"}, {"packages": "jupytext"}):
        assert install.falls_back(wanting(**settings), having(CLASSIC)) is None
