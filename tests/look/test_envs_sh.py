"""The sh that looks at the environments of a profile's kernel, in the shells that hosts have."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from shells import SHELLS, each_shell, records, run

from nbfab.look.envs import EnvFacts, Installed, Record, _found, _installed
from nbfab.look.look import FILES
from nbfab.program import call, functions

ALL = functions(*FILES)
BEGIN = "folder=$PWD\n"
NAME, OTHER, COMMIT = "0123456789ab", "ba9876543210-2", "0123456789" * 4


def planted(profile: Path, name: str, *infos: str, made: str = "input abc\n") -> Path:
    """An environment that is nothing but files."""
    env = profile / "envs" / name
    site = env / "lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (env / "bin").mkdir()
    (env / "bin/python").symlink_to("/bin/sh")
    for info in infos:
        (site / f"{info.rstrip('+')}.dist-info").mkdir()
        (site / f"{info.rstrip('+')}.dist-info/METADATA").touch()
        if info.endswith("+"):
            (site / f"{info.rstrip('+')}.dist-info/REQUESTED").touch()
    if made:
        (env / "made").write_text(made)
    return env


def seen(shell: tuple[str, ...], profile: Path) -> EnvFacts:
    """What is seen there."""
    told = records(run(shell, f"{ALL}\n{BEGIN}{call('look_envs')}print_facts\n", profile))
    pairs = [pair for record in told for pair in record.items()]
    return EnvFacts(
        found=tuple(one for name, value in pairs if name == "envs.found" for one in _found(value)),
        installed=tuple(one for name, value in pairs if name == "envs.installed" for one in _installed(value)),
        used=tuple(value for name, value in pairs if name == "envs.used"),
    )


@each_shell
def test_what_is_in_an_environment(shell: tuple[str, ...], tmp_path: Path) -> None:
    profile = tmp_path / "it's $HOME *"
    made = "input abc\ncarried six==1.0 x==2\nhas numpy-2.1.0\nhas Ruamel.Yaml-0.18\n"
    env = planted(profile, NAME, "numpy-2.1.0", "ruamel.yaml-0.18", "my_pack-1.0+", "torch-2.3.0+cu121+", made=made)
    (info,) = env.glob("lib/python*/site-packages/my_pack-*")
    about = {"url": "https://x.example/y", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    (info / "direct_url.json").write_text(json.dumps(about))
    planted(profile, OTHER, "numpy-1", made="")  # never completed
    facts = seen(shell, profile)
    assert facts.found == (Record(NAME, "abc", ("six==1.0", "x==2"), {"numpy": "2.1.0", "ruamel-yaml": "0.18"}),)
    packages = {"numpy": "2.1.0", "ruamel-yaml": "0.18", "my-pack": "1.0", "torch": "2.3.0+cu121"}
    assert facts.installed == (Installed(NAME, packages, frozenset(["my-pack", "torch"]), {"my-pack": COMMIT}),)
    assert facts.used == ()


@each_shell
def test_one_that_a_process_uses(shell: tuple[str, ...], tmp_path: Path) -> None:
    used = planted(tmp_path, NAME)
    planted(tmp_path, OTHER)
    process = subprocess.Popen([used / "bin/python", "-c", "read line"], stdin=subprocess.PIPE)
    try:
        assert seen(shell, tmp_path).used == (NAME,)
    finally:
        process.communicate(b"")
    assert seen(shell, tmp_path).used == ()


@each_shell
def test_where_it_cannot_be_seen_who_uses_one_all_stay(shell: tuple[str, ...], tmp_path: Path) -> None:
    planted(tmp_path, NAME)
    planted(tmp_path, OTHER)
    elsewhere = f"{functions(*FILES, 'apply/build')}\n".replace("/proc", f"{tmp_path}/none")  # as on macOS
    answers = records(run(shell, f"{elsewhere}{BEGIN}{call('look_envs')}print_facts\n", tmp_path))
    assert [record["envs.used"] for record in answers if "envs.used" in record] == [NAME, OTHER]
    run(shell, f"{elsewhere}{BEGIN}{call('remove_env', env=NAME)}", tmp_path)
    assert (tmp_path / "envs" / NAME / "made").exists()


def test_a_profile_without_any_costs_no_process(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = f"{ALL}\n{BEGIN}PATH={tmp_path}/bin\n{call('look_envs')}print_facts\n"
    assert run(SHELLS[0], program, tmp_path) == ""
    assert os.listdir(tmp_path / "bin") == []


@pytest.mark.parametrize(
    "value", ["", "../x\ninput a", "0123456789AB\ninput a", f"{NAME}\nhas a b-1", f"{NAME}\n" + "has a-1\n" * 2000]
)
def test_what_no_environment_is(value: str) -> None:
    with pytest.raises(ValueError, match=r"name|word|long"):
        _found(value)
