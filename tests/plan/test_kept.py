"""Output that is kept: where it is, what the settings say, and what a running server takes up."""

from typing import Any

import pytest
from plan_cases import MODERN, NEW, after, running, seen, wanting

from nbfab.errors import HostError, Refused
from nbfab.look.environments import Environment
from nbfab.plan import config, environment, install, takes
from nbfab.plan.steps import STEPS, plan
from nbfab.settings import Settings
from nbfab.wanted import Wanted

OWN = "/home/ann/.local/share/nbfab/.venv/bin/python"
PLAIN = {"notebook": "7.6", "jupyter_server": "2.21", "ipykernel": "7", "matplotlib": "3.11"}
NOTHING: dict[str, Any] = {"found": (), "uv": "/bin/uv"}
HAS = {**PLAIN, "jupyter_server_nbmodel": "0.2.9", "jupyter_server_ydoc": "3.0.4"}


def own(packages: dict[str, str] = HAS, **more: Any) -> Any:
    """A host with an environment that nbfab made."""
    return seen(NEW, environments={"found": (Environment("made", OWN, packages),), "uv": "/bin/uv", **more})


def test_what_keeps_it_is_added_to_the_environment_that_nbfab_made() -> None:
    (change,) = install.plan(wanting(keep_output=True), own(PLAIN))
    assert change.summary.startswith(f"add {', '.join(environment.KEEPERS)} to the environment that nbfab made")
    assert change.args["requirements"] == " ".join(("notebook>=7", "matplotlib", "pip", *environment.KEEPERS))
    assert (change.args["keeps"], change.args["packages"]) == ("yes", "")
    assert list(install.plan(wanting(keep_output=True), own(remembered=True))) == []
    assert list(install.plan(wanting(), own(remembered=True))) == []


def test_a_new_environment_has_it() -> None:
    (change,) = install.plan(wanting(keep_output=True), seen(NEW, environments=NOTHING))
    assert "make an environment with notebook, matplotlib, jupyter-server-nbmodel" in change.summary
    assert change.args["keeps"] == "yes"


def test_no_other_environment_gets_it() -> None:
    theirs = seen(NEW, environments={"found": (MODERN,)})
    with pytest.raises(Refused, match="not into /env/bin/python") as error:
        list(install.plan(wanting(keep_output=True), theirs))
    assert "setup --python=new --keep-output" in error.value.hint
    chosen = Wanted(Settings.parse({"keep_output": True, "python": "geo"}), kept=frozenset({"keep_output"}))
    with pytest.raises(Refused, match="the keep_output that was chosen") as error:
        list(install.plan(chosen, theirs))
    assert "setup --python=geo --no-keep-output" in error.value.hint
    assert "Nbfab.keep_output" not in takes.traits(config.text(wanting(keep_output=True), theirs))


def test_it_is_not_given_up_for_want_of_an_index() -> None:
    assert install.falls_back(wanting(), seen(NEW, environments={"found": (MODERN,)}))
    assert not install.falls_back(wanting(keep_output=True), seen(NEW, environments={"found": (MODERN,)}))


def test_an_old_python_is_named() -> None:
    facts = seen(NEW, environments={"found": (), "python3": "/usr/bin/python3", "venv": "3.9"})
    with pytest.raises(HostError, match=r"takes Python 3\.10, and /usr/bin/python3 is 3\.9") as error:
        list(install.plan(wanting(keep_output=True), facts))
    assert error.value.hint.startswith("do without\nnbfab setup --no-keep-output\nor have uv")
    by_uv = seen(NEW, environments={"found": (), "python3": "/usr/bin/python3", "venv": "3.9", "uv": "/bin/uv"})
    (change,) = install.plan(wanting(keep_output=True), by_uv)  # which finds or fetches a newer one
    assert change.args["least"] == "3.10"


@pytest.mark.parametrize(("version", "fits"), [("3.9", False), ("3.10", True), ("", True)])
def test_so_is_that_of_the_environment_that_nbfab_made_long_ago(version: str, fits: bool) -> None:
    facts = seen(NEW, environments={"found": (Environment("made", OWN, PLAIN, True, version),), "uv": "/bin/uv"})
    if fits:
        (change,) = install.plan(wanting(keep_output=True), facts)
        assert change.kind == "make environment"
        return
    with pytest.raises(HostError, match=rf"takes Python 3\.10, and {OWN} is 3\.9") as error:
        list(install.plan(wanting(keep_output=True), facts))
    assert error.value.hint == "do without\nnbfab setup --no-keep-output"


@pytest.mark.parametrize(("before", "now"), [(False, True), (True, False)])
def test_a_running_server_takes_it_up_by_a_restart(before: bool, now: bool) -> None:
    was, becomes = wanting(keep_output=before), wanting(keep_output=now)
    facts = running(was, own(remembered=True))
    assert plan(was, facts, STEPS) == []
    changes = plan(becomes, facts, STEPS)
    words = {False: "off", True: "on"}
    assert f"stop the server: keep_output {words[before]} -> {words[now]}" in [change.summary for change in changes]
    assert all(change.needs_restart for change in changes if change.step in ("config", "server"))
    assert plan(becomes, running(becomes, after(own(remembered=True), changes)), STEPS) == []


def test_a_plan_says_what_it_means() -> None:
    (note,) = config.standing(wanting(keep_output=True), own())
    assert "saves notebooks" in note
