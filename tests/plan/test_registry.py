"""The steps together: what they plan, what they manage, and what look is asked for."""

from dataclasses import replace

import pytest
from plan_cases import CLASSIC, KEEP, MODERN, NEW, WANTED, after, certified, file, holding, running, seen, wanting

from nbfab.errors import HostError
from nbfab.look.environments import Environment
from nbfab.look.server import Started
from nbfab.passwords import Password
from nbfab.plan import certificate, choices, clients, config, install, module, password, profile, server
from nbfab.plan.step import Step
from nbfab.plan.steps import STEPS, managed, notes, plan, request, standing, with_restart
from nbfab.settings import Settings
from nbfab.wanted import Wanted

BEFORE = (module.STEP, clients.STEP)  # they come along with what refers to them
LINGERING = seen(NEW, at_boot={"user": "ann", "lingers": "yes"})
PLOTS = MODERN._replace(packages={**MODERN.packages, "matplotlib": "3.9"})


def test_on_a_new_host_every_step_has_something_to_do() -> None:
    changes = plan(wanting(client_certificates=True, at_boot=True), LINGERING, STEPS)
    assert list(dict.fromkeys(change.step for change in changes)) == [step.name for step in STEPS]
    assert [change.kind for change in changes][-4:] == ["start server", "write", "turn at-boot on", "write"]


@pytest.mark.parametrize("environment", [MODERN, CLASSIC], ids=["notebook 7", "notebook 6"])
def test_what_is_as_wanted_is_left_alone(environment: Environment) -> None:
    new = seen(NEW, environments={"found": (environment,)})
    facts = running(WANTED, new)
    assert plan(WANTED, facts, STEPS) == []
    assert plan(KEEP, facts, STEPS) == []


def test_a_step_plans_its_own_changes_only() -> None:
    before = {step.name for step in BEFORE}
    for step in STEPS:
        found = plan(wanting(at_boot=True), LINGERING, [step])
        assert {change.step for change in found} - before == {step.name} - before


def test_every_file_that_a_step_writes_it_manages() -> None:
    for settings in (Settings(), Settings(profile="GPU2")):
        wanted = replace(WANTED, settings=settings)
        for step in STEPS:
            written = {change.args["file"] for change in plan(wanted, NEW, [step]) if "file" in change.args}
            assert written <= {of.path for of in step.files(settings)} | {choices.FILE}


def test_a_change_does_not_show_what_it_writes() -> None:
    for change in plan(WANTED, NEW, STEPS):
        assert "$argon2id$" not in repr(change) + repr(change.public())
        assert "PRIVATE KEY" not in repr(change) + repr(change.public())


def test_only_what_a_server_reads_when_it_starts_needs_a_restart() -> None:
    kept = {change.step for change in plan(WANTED, NEW, STEPS) if not change.needs_restart}
    assert {"install", "certificate", "profile", "config"} <= kept  # of config, the login page
    assert not {"password", "server"} & kept
    assert {change.what for change in plan(WANTED, NEW, [config.STEP]) if not change.needs_restart} == {
        "write the login page",
        "record what was chosen",
    }


@pytest.mark.parametrize(
    ("steps", "restarted"),
    [
        ((password.STEP,), True),
        ((config.STEP,), True),
        ((certificate.STEP,), False),
        ((profile.STEP,), False),
        ((install.STEP,), False),
        (STEPS, False),
    ],
)
def test_a_step_that_a_running_server_has_to_pick_up_brings_the_restart(
    steps: tuple[Step, ...], restarted: bool
) -> None:
    more = [step for step in (config.STEP, server.STEP) if restarted and step not in steps]
    assert [step for step in with_restart(steps, running()) if step not in BEFORE] == [
        step for step in (*steps, *more) if step not in BEFORE
    ]
    assert server.STEP in steps or server.STEP not in with_restart(steps, NEW)


def test_what_refers_to_the_module_comes_after_it() -> None:
    for steps in ((profile.STEP,), (config.STEP,), STEPS):
        assert module.STEP in with_restart(steps, NEW)
        changes = plan(WANTED, NEW, steps)
        kinds = [change.args.get("file", change.kind) for change in changes]
        assert kinds.count("write module") == 1
        for path in {config.FILE, profile.ipython_file("nbserver")} & {*kinds}:
            assert kinds.index("write module") < kinds.index(path)


def test_the_managed_files_and_the_folders_that_they_are_in() -> None:
    found = {of.path: of.kind for of in managed(Settings(profile="GPU2"))}
    expected = {
        ".": "folder",
        "ipython": "folder",
        "ipython/profile_GPU2": "folder",
        "ipython/profile_GPU2/ipython_kernel_config.py": "text",
        "jupyter": "folder",
        "jupyter_server_config.json": "text",
        "jupyter_server_config.py": "text",
        "nbserver.pem": "certificate",
        "run.sh": "text",
        "runtime": "folder",
        "share": "folder",
        "share/jupyter": "folder",
        "share/jupyter/kernels": "folder",
        "share/jupyter/kernels/gpu2": "folder",
        "share/jupyter/kernels/gpu2/kernel.json": "text",
        "templates": "folder",
        "templates/login.html": "text",
    }
    assert found.items() >= expected.items()
    paths = [of.path for of in managed(Settings())]
    assert len(paths) == len(set(paths))
    for path in paths:
        above = path.rpartition("/")[0] or "."
        assert paths.index(above) <= paths.index(path), "a folder comes before what is in it"


def test_look_is_asked_for_what_the_steps_manage() -> None:
    settings = Settings(profile="GPU2")
    asked = request(Wanted(settings))
    assert asked.settings == settings
    assert asked.paths == tuple(of.path for of in managed(settings))
    assert set(asked.texts) == {of.path for of in managed(settings) if of.kind == "text"}
    assert asked.certificate == certificate.FILE
    assert certificate.FILE not in asked.texts


def test_a_place_that_is_not_safe_is_planned_for_by_no_step() -> None:
    facts = holding(NEW, file("jupyter"))  # a file in place of a folder
    for step in STEPS:
        with pytest.raises(HostError, match="jupyter is not a folder"):
            plan(WANTED, facts, [step])


def test_the_notes_of_all_steps() -> None:
    facts = seen(running(), host={"uid": "0", "clock": NEW.host.clock + 7200}, server={"session_pids": ()})
    about = "\n".join((*notes(WANTED, facts), *standing(WANTED, facts)))
    for words in ("no matplotlib", "clock is 120 minutes ahead", "runs as root", "not run in nbfab's tmux session"):
        assert words in about
    assert "no lab, so notebook is served" not in about
    good = seen(running(), environments={"found": (PLOTS,)})
    assert (*notes(WANTED, good), *standing(WANTED, good)) == ()


def test_what_a_new_password_brings() -> None:
    facts = running()
    changes = plan(replace(WANTED, password=Password("another horse battery")), facts, STEPS)
    assert [(change.args.get("file"), change.needs_restart) for change in changes] == [(password.FILE, False)]


def test_a_new_certificate_needs_no_restart() -> None:
    facts = certified(running(), names=("box",))
    changes = plan(WANTED, facts, STEPS)
    assert ("certificate", False) in [(change.step, change.needs_restart) for change in changes]
    assert {change.kind for change in changes} <= {"write", "renew certificate"}


def test_another_port_is_another_program_and_a_restart() -> None:
    changes = plan(wanting(port=8888), running(), STEPS)
    assert [(change.step, change.kind) for change in changes] == [
        ("config", "write"),
        ("server", "write"),
        ("server", "stop server"),
        ("server", "start server"),
        ("config", "write"),
    ]


def test_after_a_cut_between_the_files_and_the_start_the_server_is_started() -> None:
    facts = after(NEW, plan(WANTED, NEW, STEPS))
    assert [change.kind for change in plan(KEEP, facts, STEPS)] == ["start server"]
    facts = seen(facts, server={"started": Started("10", "11", "12345", "digest", 0)})
    assert [change.kind for change in plan(KEEP, facts, STEPS)] == ["start server"]
