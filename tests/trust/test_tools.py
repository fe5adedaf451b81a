"""The variables for Node and Python, and the programs that are tried."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from authorities import home_of, signer
from roots import bare, root_in

from nbfab.authority.authority import Authority
from nbfab.trust import do, plan, proof, system, tools
from nbfab.trust.machine import Machine
from nbfab.trust.root import Root, fingerprints

BUNDLE = system.STORES["debian"].bundle
GENERATOR = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"


def machine(home: Path, *programs: str, **env: str) -> Machine:
    found = {name: path for name in programs if (path := shutil.which(name))}
    environment = bare(os.environ) | {"HOME": str(home)} | env
    return Machine(home, environment, ("debian",), is_root=True, programs=found, has_systemd=True)


def put_in(here: Machine, *roots: Root) -> do.Done:
    """Writes the files; how that ended."""
    works = [work for work in plan.adding(plan.look(here, roots), roots) if work.place.kind == "tools"]
    (done,) = do.do(here, works, adds=True)
    return done


def wanted(home: Path) -> Mapping[str, str]:
    """What a shell and a session should have."""
    own = {"NODE_EXTRA_CA_CERTS": f"{home}/.local/share/nbfab-trust/authorities.pem"}
    return own | {"REQUESTS_CA_BUNDLE": str(BUNDLE), "SSL_CERT_FILE": str(BUNDLE)}


def assert_sets(lines: str, variables: Mapping[str, str]) -> None:
    """Asserts that these lines set the variables in a shell."""
    shown = "; ".join(f'printf "%s\\n" "${name}"' for name in variables)
    done = subprocess.run(["sh", "-c", f"{lines}\n{shown}"], env={}, capture_output=True, text=True)
    assert done.stdout.splitlines() == list(variables.values()), (lines, done.stderr)


@pytest.mark.parametrize("name", ["home", "a home", "it's $HOME \"\\"])
def test_a_shell_and_a_session_get_the_variables(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    here, root = machine(home), root_in(tmp_path)
    done = put_in(here, root)
    assert done.ending == "done"
    (line,) = map(str, done.fix)
    assert_sets(f"{line}", wanted(home))
    if os.access(GENERATOR, os.X_OK):
        env = {"HOME": str(home), "XDG_CONFIG_HOME": f"{home}/.config"}
        assert_sets(subprocess.run([GENERATOR], env=env, capture_output=True, text=True).stdout, wanted(home))
    assert fingerprints(tools.roots_file(here).read_text()) == {root.fingerprint}
    assert put_in(here, root).ending == "there"
    assert put_in(machine(home, **wanted(home)), root).fix == ()  # it is in effect
    second = root_in(tmp_path)
    assert put_in(here, root, second).ending == "done"
    assert fingerprints(tools.roots_file(here).read_text()) == {root.fingerprint, second.fingerprint}
    works = [work for work in plan.removing(plan.look(here, [root]), [root]) if work.place.kind == "tools"]
    assert [done.ending for done in do.do(here, works, adds=False)] == ["done"]
    assert [path for path in home.rglob("*") if path.is_file()] == []
    profile = subprocess.run(["sh", "-ec", f"{line}\necho on"], capture_output=True, text=True)
    assert (profile.stdout, profile.stderr) == ("on\n", "")  # the line, still there, keeps no one from logging in


@pytest.mark.real
def test_what_refuses_is_reported(tmp_path: Path) -> None:
    """With a root that is in no store."""
    here, root = machine(tmp_path, "curl", "python3", "node"), root_in(tmp_path)
    with home_of(tmp_path):
        leaf = proof.leaf_for_localhost(signer(Authority(root.file.parent, root.certificate)))
    ended = {done.what: done for done in proof.prove(here, leaf, in_system=True)}
    assert {"curl", "Python", "Node"} <= ended.keys()
    assert {done.ending for done in ended.values()} == {"refuses"}
    assert "certificate" in ended["curl"].why
    assert "CERTIFICATE_VERIFY_FAILED" in ended["Python"].why
    before = {done.what: done.ending for done in proof.prove(here, leaf, in_system=False)}
    assert before == {what: "refuses" if what == "Node" else "to do" for what in ended}
    put_in(here, root)
    assert {done.what: done.ending for done in proof.prove(here, leaf, in_system=True)}["Node"] == "opens"
    mac = Machine(tmp_path, here.env, (system.MACOS,), is_root=False, programs=here.programs)
    ended = {done.what: done for done in proof.prove(mac, leaf, in_system=True)}
    assert ended["Python"].ending == "not tried"
