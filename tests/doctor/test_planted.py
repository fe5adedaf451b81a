"""Faults that are planted on a real host: each is found, at its layer, alone and among others; nothing is, without."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from home import snapshot
from plan_cases import WANTED
from planted import FAULTS, Fault, Patient, changed
from recorded_faults import RECORDED
from venvs import environment

from nbfab.doctor.layers import NAMES, examine

FOUND: dict[str, list[str]] = {}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    folder = tmp_path_factory.mktemp("doctor")
    patient = Patient(folder, environment(folder / "env"))
    try:
        patient.ok("setup")
        yield patient
    finally:
        patient.close()
        patient.host.stop()


def test_nothing_is_found_on_a_healthy_host_and_nothing_changes(patient: Patient, tmp_path: Path) -> None:
    before, connections, programs = snapshot(patient.folder), patient.host.connections, len(patient.host.commands)
    outcome = patient.json("doctor")
    assert {finding["state"] for finding in outcome["findings"]} == {"ok"}, outcome["findings"]
    assert (outcome["verdict"], outcome["status"], outcome["error"], outcome["fix"]) == ("healthy", 0, None, [])
    assert patient.host.connections == connections + 1
    assert len(patient.host.commands) <= programs + 2
    # What is asked of the server is in its log, as with `status`.
    assert {**snapshot(patient.folder), "server.log": before["server.log"]} == before
    assert patient.run("doctor", "--quiet").stdout == ""


def test_what_the_user_has_for_other_servers_is_no_fault(patient: Patient) -> None:
    with (
        changed(patient.home / ".jupyter/jupyter_server_config.py", "c.ServerApp.port = 1\n"),
        changed(patient.home / ".jupyter/jupyter_config.json", '{"ServerApp": {"port": 1}}'),
        changed(patient.home / ".ipython/profile_default/ipython_config.py", "raise SystemExit\n"),
    ):
        assert patient.layers() == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found(patient: Patient, fault: Fault) -> None:
    with fault.plant(patient):
        found = FOUND[fault.name] = patient.layers(**dict(fault.env))
    assert found == list(fault.layers)


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if set(fault.layers) <= {*NAMES[:5]}], ids=lambda fault: fault.name
)
def test_a_fault_of_the_connection_is_found_by_openssh_as_well(patient: Patient, fault: Fault) -> None:
    with fault.plant(patient):
        assert patient.layers("--ssh=openssh") == list(fault.layers)


TOGETHER = (
    "a login shell that prints something",
    "a file of Jupyter's that overrides settings",
    "a key that others can read",
    "a kernel whose program is gone",
    "a low limit of open files",
    "a lock of a run that was cut",
)


def test_several_faults_are_found_at_once(patient: Patient) -> None:
    with ExitStack() as stack:
        planted = [fault for fault in FAULTS if fault.name in TOGETHER]
        for fault in planted:
            stack.enter_context(fault.plant(patient))
        found = patient.layers()
        output = patient.fails("doctor")
    assert found == ["login shell", "settings", "certificate", "kernels", "limits", "stale files"]
    assert "6 found" in output
    assert patient.layers() == []


def test_what_is_above_a_layer_that_failed_is_known_and_what_is_below_is_not(patient: Patient) -> None:
    (changed,) = (fault for fault in FAULTS if fault.name == "a host key that has changed")
    with changed.plant(patient):
        findings = {finding["layer"]: finding["state"] for finding in patient.json("doctor")["findings"]}
    assert [findings.pop(layer) for layer in ("name", "tcp", "host key")] == ["ok", "ok", "failed"]
    assert set(findings.values()) == {"unknown"}


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("planted", fault.name, fault.layers, FOUND.get(fault.name, [])) for fault in FAULTS]
    for fault in RECORDED:
        found = [finding.layer for finding in examine(WANTED, *fault.case) if finding.state == "failed"]
        rows.append(("recorded", fault.name, fault.layers, found))
    good = [name for _, name, layers, found in rows if found == list(layers)]
    with capsys.disabled():
        print(f"\n{'':10}{'FAULT':66}FOUND IN")
        for how, name, _, found in rows:
            print(f"{how:10}{name:66}{', '.join(found) or 'nothing'}")
        print(f"{len(good)} of {len(rows)} found: {len(FAULTS)} planted on a real host, {len(RECORDED)} recorded")
    assert len(good) == len(rows)
    assert len(FAULTS) >= 25
