"""`password --new`: generated, shown last and once, and only once it is set; and what to do about a short one."""

import re
import subprocess

import pytest
from machine import PASSWORD, Machine
from notebook_client import logs_in

from nbfab.passwords import Password
from nbfab.plan.password import hash_in

MADE = r"([a-z2-7]{5}-){3}[a-z2-7]{5}"


def fits(machine: Machine, text: str) -> bool:
    """Whether a password is the one that the machine has."""
    return Password(text).fits(hash_in((machine.folder / "jupyter_server_config.json").read_text()))


def test_on_this_machine_it_takes_the_place_of_the_old_one(here: Machine) -> None:
    here.ok("setup")
    last = here.ok("password", "--new", password=None).rstrip().splitlines()[-1]
    made = re.fullmatch(rf" *Password: ({MADE})", last)
    assert made, last
    assert logs_in(here.port, here.folder, made[1])
    assert not logs_in(here.port, here.folder, PASSWORD)
    document = here.json("password", "--new", password=None)
    assert document["verdict"] == "changed"
    assert re.fullmatch(MADE, document["password"])
    assert document["password"] != made[1]
    assert fits(here, document["password"])
    assert not list(here.work.iterdir())


def test_over_ssh_it_works_on_a_host_that_has_none_too(there: Machine) -> None:
    said = there.run("password", "--new", password=None)
    made = re.search(rf"Password: ({MADE})\n$", said.stdout)
    assert made, said
    assert said.stderr.count(made[1]) == 0
    assert fits(there, made[1])


def test_a_password_that_could_not_be_set_is_not_shown(there: Machine) -> None:
    there.folder.parent.mkdir(parents=True)
    there.folder.write_text("in the way")
    said = there.fails("password", "--new", password=None)
    assert "Password:" not in said


@pytest.mark.parametrize(
    ("words", "env", "stdin"),
    [
        (("password", "--new"), {"NBFAB_PASSWORD": PASSWORD}, ""),
        (("password", "--new", "--password-stdin"), {}, PASSWORD),
        (("password",), {"NBFAB_PASSWORD": "short"}, ""),
        (("password", "--password-stdin"), {}, "short\n"),
        (("password", "--password-stdin"), {}, ""),
        (("setup",), {"NBFAB_PASSWORD": "short"}, ""),
        (("serve", "--password-stdin"), {}, "short\n"),
    ],
)
def test_the_fix_for_a_password_that_will_not_do_works(
    here: Machine, words: tuple[str, ...], env: dict[str, str], stdin: str
) -> None:
    here.program = "nbfab"
    refused = here.run(*words, password=None, stdin=stdin, **env)
    assert refused.returncode == 2
    assert not here.folder.exists()
    assert "short" not in refused.stderr
    fix = refused.stderr.split("fix ")[1].strip()
    done = subprocess.run(
        ["sh", "-c", fix],
        env=here.env | env,
        cwd=here.work,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, fix + done.stderr
    made = re.search(rf"Password: ({MADE})\n$", done.stdout)
    assert made, done.stdout
    assert fits(here, made[1])


def test_a_file_for_the_password_of_one_host_is_refused(here: Machine) -> None:
    said = here.fails("password", "--new", "--handout", "x.csv", password=None, status=2)
    assert "--handout is for the passwords of several hosts; that of one is shown" in said
    assert not here.folder.exists()
