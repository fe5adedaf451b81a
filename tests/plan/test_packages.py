"""The environment of the profile's kernel: when another one is made, what it takes over, and which one goes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from plan_cases import KEEP, MODERN, NEW, WANTED, after, file, holding, running, seen, wanting

from nbfab.host import Here
from nbfab.look.choices import Choice, Choices
from nbfab.look.envs import Installed, Record
from nbfab.look.facts import Facts
from nbfab.plan import install, packages, server
from nbfab.plan.asked import FILE, Asked, had
from nbfab.plan.kernel import env_named, kernel_file
from nbfab.plan.steps import STEPS, plan
from nbfab.requirements.requirements import Requirements
from nbfab.resolution import Resolution
from nbfab.run.job import Job
from nbfab.run.update import _back as back
from nbfab.wanted import Wanted

FOLDER = "/home/ann/.local/share/nbfab/nbserver"
OWN = MODERN._replace(source="made", python="/home/ann/.local/share/nbfab/.venv/bin/python")
OWN = OWN._replace(packages={**OWN.packages, "matplotlib": "3.9"})
HOST = seen(NEW, environments={"found": (OWN,), "uv": "/usr/bin/uv"})


def asking(*lines: str, **more: Any) -> Wanted:
    """What is wanted, with a requirements file of those lines."""
    found = Requirements("r.txt", lines)
    return replace(wanting(requirements=f"r.txt:{len(lines):016}", **more), requirements=found)


def made(wanted: Wanted, facts: Facts = HOST) -> Facts:
    """The host, once all is done."""
    changes = plan(wanted, facts, STEPS)
    facts = after(facts, changes)
    assert [change.summary for change in plan(wanted, facts, STEPS) if change.step in ("install", "profile")] == []
    return facts


def python_of(facts: Facts) -> str:
    """The interpreter of the profile's kernel."""
    return str(json.loads(facts.files.text(kernel_file("nbserver")))["argv"][0])


def env_now(facts: Facts) -> str:
    """The name of its environment."""
    return env_named(facts.files.text(kernel_file("nbserver")), f"{FOLDER}/envs")


def kinds(wanted: Wanted, facts: Facts) -> list[str]:
    """What is done for the packages."""
    return [change.kind for change in install.plan(wanted, facts) if change.kind != "use environment"]


def test_without_packages_the_kernel_has_the_server_s_environment() -> None:
    facts = made(KEEP)
    assert python_of(facts) == OWN.python
    assert facts.files.entry(FILE) is None
    assert "env" not in json.loads(facts.files.text(kernel_file("nbserver")))


def test_packages_come_into_an_environment_beside_it() -> None:
    facts = made(asking("pandas"))
    name = env_now(facts)
    assert python_of(facts) == f"{FOLDER}/envs/{name}/bin/python"
    assert json.loads(facts.files.text(kernel_file("nbserver")))["env"] == {
        "PATH": f"{FOLDER}/envs/{name}/bin:${{PATH}}"
    }
    assert had(facts).before is None  # there was none
    # The profile keeps them without the file.
    kept = replace(wanting(requirements=had(facts).asked.mark))
    assert kinds(kept, facts) == []
    assert packages.target(kept, facts) == name


def test_another_file_makes_another_one_and_the_one_before_it_stays() -> None:
    first = made(asking("pandas"))
    second = made(asking("pandas", "six"), first)
    assert had(second).env_before == env_now(first)
    assert kinds(asking("pandas", "six", "attrs"), second) == ["build environment", "write", "remove environment"]
    third = made(asking("pandas", "six", "attrs"), second)
    assert [of.name for of in third.envs.found] == [env_now(second), env_now(third)]
    # What a process uses stays.
    used = seen(second, envs={"used": (env_now(first),)})
    assert kinds(asking("pandas", "six", "attrs"), used) == ["build environment", "write"]
    # What there is already is not made again.
    back = plan(asking("pandas"), second, STEPS)
    record, kernel = [change for change in back if change.step in ("install", "profile")][:2]
    assert record.summary == "rewrite which packages the notebooks have (2 packages: 1 removed)"
    assert (record.diff, kernel.summary, kernel.diff) == ("- six 2.2", "rewrite the kernel nbserver", "")
    assert "requirements r.txt -> another r.txt, from --requirements" in back[-1].summary


def test_what_an_earlier_release_has_installed_stays_where_it_is() -> None:
    recorded = Choices("0.2.0", {"packages": Choice(("pandas",), "flag")})
    facts = seen(HOST, choices={"made": recorded}, environments={"found": (OWN,), "remembered": True})
    assert kinds(wanting(packages="pandas"), facts) == []
    assert packages.python(wanting(packages="pandas"), facts) == OWN.python
    assert kinds(wanting(packages=["pandas", "six"]), facts) == ["build environment", "write"]
    # The first rollback goes back there, and makes nothing.
    facts = made(wanting(packages="pandas"), facts)
    assert python_of(facts) == OWN.python
    switched = made(wanting(packages=["pandas", "six"]), facts)
    assert had(switched).before == Asked(packages=("pandas",))
    there = rolled_back(switched)
    assert python_of(there) == OWN.python
    assert kinds(wanting(packages="pandas"), there) == []
    assert env_now(rolled_back(there)) == env_now(switched)
    # In an environment that was made anew there are none of them.
    anew = seen(there, environments={"found": ()})
    assert kinds(wanting(packages="pandas"), anew)[:2] == ["make environment", "build environment"]
    anew = after(anew, plan(wanting(packages="pandas"), anew, STEPS))
    anew = seen(anew, environments={"found": (OWN,)})
    assert kinds(wanting(packages="pandas"), anew) == []
    assert env_now(anew)


def rolled_back(facts: Facts) -> Facts:
    """The host, once its notebooks have what they had before."""
    job = back(Job("update", Here(), KEEP, flags=frozenset(("rollback",))), facts)
    return made(job.wanted, facts)


def test_a_run_that_was_cut_before_the_kernel_had_it_loses_nothing_to_go_back_to() -> None:
    first = made(asking("pandas"))
    changes = plan(asking("pandas", "six"), first, (install.STEP,))
    kernel = next(number for number, change in enumerate(changes) if change.step == "profile")
    cut = after(first, changes[:kernel])
    assert (env_now(cut), had(cut).env_before) == (env_now(first), env_now(first))
    # Whether it is done again, done otherwise, or not done after all.
    for wanted in (asking("pandas", "six"), asking("pandas", "attrs")):
        again = made(wanted, cut)
        assert (had(again).before, had(again).env_before) == (had(first).asked, env_now(first))
        assert env_now(rolled_back(again)) == env_now(first)
    assert env_now(rolled_back(cut)) == env_now(first)
    assert had(made(asking("pandas"), cut)).before is None


def test_a_file_with_packages_of_the_server_alone_is_kept_too() -> None:
    has = seen(HOST, environments={"found": (OWN._replace(packages={**OWN.packages, "jupytext": "1.17"}),)})
    facts = made(asking("jupytext"), has)
    assert (had(facts).asked.lines, env_now(facts)) == (("jupytext",), "")
    assert kinds(wanting(requirements=had(facts).asked.mark), facts) == []
    assert kinds(asking("jupytext", "six"), facts)[0] == "build environment"


def test_requirements_that_go_back_to_none() -> None:
    facts = made(KEEP, made(asking("pandas")))
    assert python_of(facts) == OWN.python
    assert had(facts).env_before


BY_HAND = {"ipykernel": "6.29", "pandas": "2.3", "attrs": "26.1", "idna": "3"}


def with_more(facts: Facts) -> Facts:
    """The host, where someone has installed attrs, with idna for it, and a newer pandas."""
    return seen(facts, envs={"installed": (Installed(env_now(facts), BY_HAND, frozenset(("attrs", "pandas"))),)})


def test_what_was_installed_by_hand_is_told_of_and_carried_over() -> None:
    wanted = asking("pandas", "six")
    facts = with_more(made(asking("pandas")))
    (note,) = [str(note) for note in install.standing(asking("pandas"), facts) if "by hand" in str(note)]
    assert "installed by hand beside r.txt: attrs 26.1, pandas 2.3; the next environment gets that, too" in note
    (build,) = [change for change in install.plan(wanted, facts) if change.kind == "build environment"]
    assert build.args["carried"].split() == ["attrs==26.1", "pandas==2.3"]
    exact = replace(wanted, exact=True)
    (build,) = [change for change in install.plan(exact, facts) if change.kind == "build environment"]
    assert build.args["carried"] == ""


def test_what_was_carried_over_once_is_carried_over_again_while_it_is_there() -> None:
    facts = made(asking("pandas"))
    (record,) = facts.envs.found
    record = record._replace(carried=("attrs==25", "gone==1"), built={**record.built, "attrs": "25"})
    there = Installed(record.name, {**record.built}, frozenset())
    facts = seen(facts, envs={"found": (record,), "installed": (there,)})
    assert packages.carries(asking("pandas", "six"), facts) == ("attrs==25",)


def test_an_update_makes_one_only_if_it_brings_something() -> None:
    facts = made(asking("pandas"))
    wanted = replace(asking("pandas"), update=True)
    assert "build environment" in kinds(wanted, facts)  # as far as is known
    same = replace(wanted, resolution=Resolution({"pandas": "2.2", "ipykernel": "6.29"}))
    assert kinds(same, facts) == []
    newer = replace(wanted, resolution=Resolution({"pandas": "3.0", "ipykernel": "6.29", "six": "1.17"}))
    build, *_ = [change for change in install.plan(newer, facts) if change.kind == "build environment"]
    assert build.detail == "(3 packages: 1 added, 1 changed)"
    assert build.diff.splitlines() == ["+ six 1.17", "~ pandas 2.2 -> 3.0"]
    assert build.args["constraints"].splitlines() == ["ipykernel==6.29", "pandas==3.0", "six==1.17"]


def test_hashes_are_for_the_file_alone() -> None:
    lines = ("six==1.17.0 --hash=sha256:00", "attrs==1 --hash=sha256:11")
    (build,) = [change for change in install.plan(asking(*lines), HOST) if change.kind == "build environment"]
    assert build.args["lines"].splitlines() == [*lines]
    assert build.args["needs"] == "ipykernel pip"
    more = asking(*lines, packages=["idna>=3", "jupytext"])
    (build,) = [change for change in install.plan(more, HOST) if change.kind == "build environment"]
    assert (build.args["lines"].splitlines(), build.args["needs"]) == ([*lines], "ipykernel pip idna>=3")
    assert build.args["constraints"] == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f'{{"argv": ["{FOLDER}/envs/0123456789ab/bin/python", "-m"]}}', "0123456789ab"),
        (f'{{"argv": ["{FOLDER}/envs/0123456789ab/../x/bin/python"]}}', ""),
        (f'{{"argv": ["{FOLDER}/envs2/0123456789ab/bin/python"]}}', ""),
        ('{"argv": ["/usr/bin/python3"]}', ""),
        ('{"argv": []}', ""),
        ('{"argv": 1}', ""),
        ("[]", ""),
        ("", ""),
        ("[" * 100_000, ""),
    ],
)
def test_the_environment_that_a_kernel_names(text: str, name: str) -> None:
    assert env_named(text, f"{FOLDER}/envs") == name


def test_an_environment_that_is_gone_is_made_again() -> None:
    facts = seen(made(asking("pandas")), envs={"found": (), "installed": ()})
    kept = wanting(requirements=had(facts).asked.mark)
    assert kinds(kept, facts)[0] == "build environment"


def test_a_name_that_is_taken_is_not_used_twice() -> None:
    name = packages.target(asking("pandas"), HOST)
    taken = seen(HOST, envs={"found": (Record(name, "of another"),)})
    assert packages.target(asking("pandas"), taken) == f"{name}-2"


def test_the_kernel_s_file_is_that_of_the_profile() -> None:
    broken = holding(made(asking("pandas")), file(kernel_file("nbserver"), "{}"))
    changes = plan(asking("pandas"), broken, (install.STEP,))
    assert [change.what for change in changes if change.step == "profile"] == ["rewrite the kernel nbserver"]


def with_versions(facts: Facts, commit: str = "", **versions: str) -> Facts:
    """The host, whose notebooks have those packages; `course` is from Git, at that commit."""
    there = Installed(env_now(facts), versions, frozenset(), {"course": commit} if commit else {})
    return seen(facts, envs={"installed": (there,)})


OLD, LATER = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("there", "found", "diff"),
    [
        # uv says no version of what comes from a URL, and an environment's own pip may be any.
        ({"course": "1.0", "pip": "24.0"}, Resolution({"course": "", "pip": "26.1"}), ""),
        ({"six": "1.0"}, Resolution({"course": "", "six": "1.0"}), "+ course"),
        ({"commit": OLD, "course": "1.0"}, Resolution({"course": ""}, {"course": OLD}), ""),
        (
            {"commit": OLD, "course": "1.0"},
            Resolution({"course": ""}, {"course": LATER}),
            f"~ course 1.0 {OLD[:12]} -> 1.0 {LATER[:12]}",
        ),
        ({"torch": "2.3.0+cu121"}, Resolution({"torch": "2.3.0+cu121"}), ""),
        ({"torch": "2.3.0+cu118"}, Resolution({"torch": "2.3.0+cu121"}), "~ torch 2.3.0+cu118 -> 2.3.0+cu121"),
    ],
)
def test_what_an_update_compares(there: dict[str, str], found: Resolution, diff: str) -> None:
    wanted = replace(asking("course @ https://x.example/course.whl"), update=True, resolution=found)
    facts = with_versions(made(asking("course @ https://x.example/course.whl")), **there)
    # Whether it has what was asked for is another question.
    have = packages.now(wanted, facts)
    assert have is not None
    assert packages.compared(facts.envs.has(have.name), found)[1] == diff
    if "course" in there:
        assert ("build environment" in kinds(wanted, facts)) == bool(diff)


def test_a_version_of_the_server_itself_comes_with_a_restart() -> None:
    served = running(WANTED, HOST)
    assert plan(KEEP, served, STEPS) == []
    wanted = replace(wanting(packages="notebook==7.3"), password=None)
    for steps in (STEPS, (install.STEP,)):
        changes = plan(wanted, served, steps)
        waits = [change.kind for change in changes if change.needs_restart]
        assert waits == ["make environment", "stop server", "start server", "write"]
        assert [change.reason for change in changes if change.kind == "stop server"] == ["it takes up notebook==7.3"]
        assert [change.kind for change in changes if not change.needs_restart] == []
    # It has it, whatever is on record.
    recorded = Choices("0.2.0", {"packages": Choice(("notebook==7.3",), "flag")})
    assert "make environment" in [
        change.kind for change in plan(wanted, seen(served, choices={"made": recorded}), STEPS)
    ]
    newer = OWN._replace(packages={**OWN.packages, "notebook": "7.3.0"})
    assert plan(wanted, seen(served, environments={"found": (newer,)}), (server.STEP,)) == []
    kinds = [change.kind for change in plan(wanted, seen(served, environments={"found": (newer,)}), STEPS)]
    assert kinds == ["write"]


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("notebook==7.3 --hash=sha256:00", "nbfab setup --with=notebook==7.3"),
        ("notebook==6.5.7", ""),
        ("notebook>8", ""),
    ],
)
def test_a_file_leaves_the_server_s_versions_alone_and_that_is_said(line: str, fix: str) -> None:
    assert plan(asking(line), HOST, STEPS)[0].kind != "make environment"
    note = next(note for note in install.standing(asking(line), HOST) if "names" in str(note))
    words = f"r.txt names {line.split()[0]} (the server has 7.2): a file changes no version of the server itself"
    assert str(note).splitlines() == [words, *(["to have that", fix] if fix else [])]
    quiet = asking("notebook>=7", "jupyterlab==4.2 ; python_version>'3'")
    assert not any("names" in str(note) for note in install.standing(quiet, HOST))
