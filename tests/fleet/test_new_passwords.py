"""New passwords for a fleet: into the one handout, never to the screen, and from there onto slips."""

import csv
import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from machine import BIN, PASSWORD, ROOT, Result
from notebook_client import logs_in
from sshd_fleet import Fleet

from nbfab.passwords import Password
from nbfab.plan import pem
from nbfab.plan.password import hash_in


def rows(handout: Path) -> dict[str, dict[str, str]]:
    """The rows by host, in their order."""
    with handout.open(newline="") as file:
        return {row["host"]: row for row in csv.DictReader(file)}


def fingerprint(fleet: Fleet, name: str) -> str:
    certificate = pem.load((fleet.profile(name) / "nbserver.pem").read_text())
    assert certificate
    return pem.fingerprint(certificate)


def connections(fleet: Fleet) -> int:
    return sum(host.connections for host in fleet.hosts.values())


def shows_none(done: Result, handout: Path) -> None:
    """No password of the handout is on the screen."""
    for row in rows(handout).values():
        assert row["password"]
        assert row["password"] not in done.stdout + done.stderr


def run(words: list[str], folder: Path, fleet: Fleet) -> Result:
    """Runs a command line in that folder."""
    return subprocess.run(
        words,
        cwd=folder,
        env=fleet.machine.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_from_the_setup_to_the_slips(three: Fleet) -> None:
    handout = three.folder / "hosts-passwords.csv"
    # Begun with the last one, by its name alone.
    assert three.run("setup", "--yes", "--limit", "three").returncode == 0
    first = rows(handout)["three"]
    done = three.run("setup", "--yes")
    assert done.returncode == 0, done.stdout
    assert f"for you alone: {handout}\n" in done.stdout
    shows_none(done, handout)
    before = rows(handout)
    assert list(before) == ["one", "two", "three"]
    assert before["three"] == first
    assert stat.S_IMODE(handout.stat().st_mode) == 0o600
    for name, row in before.items():
        assert (row["url"], row["address"], row["profile"], row["note"]) == (
            f"https://127.0.0.1:{three.ports[name]}/",
            "127.0.0.1",
            "nbserver",
            "",
        )
        assert row["fingerprint"] == fingerprint(three, name)
        assert logs_in(three.ports[name], three.profile(name), row["password"])

    done = three.run("password", "--new", "--limit", "two", "--json")
    document = json.loads(done.stdout)
    assert document["passwords"] == str(handout)
    assert [(host["host"], host["verdict"]) for host in document["hosts"]] == [("two", "changed")]
    shows_none(done, handout)
    after = rows(handout)
    assert after == before | {"two": before["two"] | {"password": after["two"]["password"]}}
    assert logs_in(three.ports["two"], three.profile("two"), after["two"]["password"])
    assert not logs_in(three.ports["two"], three.profile("two"), before["two"]["password"])

    # A password that someone sets since is on no slip any more, and a new certificate is.
    assert three.run("password", "--limit", "one", NBFAB_PASSWORD=PASSWORD).returncode == 0
    renewed = three.run("certificate", "--limit", "three", "--new-key")
    assert f"{handout} was updated: a URL, address or fingerprint has changed" in renewed.stderr
    contacts = connections(three)
    done = three.run("handout")
    assert (done.returncode, connections(three)) == (0, contacts), done.stderr
    slips = three.folder / "hosts-slips.html"
    assert done.stdout.splitlines()[0] == f"{slips}: 3 slips, 2 with a password"
    assert re.search("^one: no password on its slip: no longer valid: another password has been set", done.stdout, re.M)
    assert stat.S_IMODE(slips.stat().st_mode) == 0o600
    text = slips.read_text()
    assert [name for name, row in after.items() if row["password"] in text] == ["two", "three"]
    assert fingerprint(three, "three") in text.replace("<wbr>", "")
    shows_none(done, handout)
    document = json.loads(three.run("handout", "--limit", "one,two", "--json", "--output", "two.html").stdout)
    assert document["slips"] == str(three.work / "two.html")
    assert [bool(host.get("notes")) for host in document["hosts"]] == [True, False]

    three.run("remove", "--yes", "--limit", "two")
    assert rows(handout)["two"]["note"].startswith("no longer valid: the host has no password")
    assert "3 slips, 1 with a password" in three.run("handout").stdout


def test_a_password_that_is_set_on_one_host_alone_takes_its_row_out_of_the_slips(three: Fleet) -> None:
    assert three.run("password", "--new", "--limit", "one,two").returncode == 0
    words = [f"{BIN}/nbfab", "-S", str(three.config), "-H", "two", "password", "--new"]
    done = run(words, three.folder, three)
    assert done.returncode == 0, done.stderr
    handout = three.folder / "hosts-passwords.csv"
    assert f"the notes in {handout} were corrected" in done.stderr
    notes = {name: row["note"].partition(" (")[0] for name, row in rows(handout).items()}
    assert notes == {"one": "", "two": "no longer valid: another password has been set on the host since"}
    assert "2 slips, 1 with a password" in three.run("handout", "--limit", "one,two").stdout


def test_in_a_repository_nothing_is_contacted_until_git_ignores_the_handout(three: Fleet) -> None:
    subprocess.run(["git", "init", "--quiet", str(three.folder)], check=True)
    for task in ("setup", "serve", "password"):
        done = three.run(task, "--limit", "one")
        assert done.returncode == 2
        assert "hosts-passwords.csv would hold passwords, and git does not ignore it" in done.stderr
    assert connections(three) == 0
    assert "hosts-passwords.csv" in json.loads(three.run("password", "--new", "--json").stdout)["error"]
    # Where none is made, none is written.
    assert three.run("password", "--limit", "one", NBFAB_PASSWORD=PASSWORD).returncode == 0
    assert three.run("plan", "--limit", "one").returncode == 0
    assert not list(three.folder.glob("*.csv"))
    line = done.stderr.split("fix")[1].strip()
    assert line == "echo /hosts-passwords.csv >> ../.gitignore"
    subprocess.run(["sh", "-c", line], cwd=three.work, check=True)
    assert three.run("password", "--new", "--limit", "one").returncode == 0
    refused = three.run("handout")
    assert refused.returncode == 2
    assert "hosts-slips.html would hold passwords, and git does not ignore it" in refused.stderr
    outside = three.machine.home / "slips.html"
    subprocess.run(["git", "init", "--quiet", "--bare", str(three.folder / "x.git")], check=True)
    (three.folder / ".git").rename(three.folder / "no repository any more")
    assert three.run("handout", "--output", str(outside)).returncode == 0
    assert outside.exists()


def test_a_handout_that_cannot_be_written_is_told_before_a_host_is_contacted(three: Fleet) -> None:
    handout = three.folder / "hosts-passwords.csv"
    handout.symlink_to("elsewhere.csv")
    for name, why in (("hosts-passwords.csv", "it is a symbolic link"), ("none/x.csv", "No such file or directory")):
        done = three.run("setup", "--yes", "--handout", str(three.folder / name))
        assert (done.returncode, connections(three)) == (2, 0)
        assert why in done.stderr
    assert not (three.folder / "elsewhere.csv").exists()
    done = three.run("password", "--new", "--limit", "one", "--handout", "mine.csv")
    assert done.returncode == 0, done.stderr
    mine = three.work / "mine.csv"
    assert f"for you alone: {mine}\n" in done.stdout
    (row,) = rows(mine).values()
    # It is corrected there, too, without being named again.
    assert three.run("password", "--limit", "one", NBFAB_PASSWORD=PASSWORD).returncode == 0
    assert rows(mine)["one"]["note"].startswith("no longer valid")
    refused = three.run("handout", "--handout", "mine.csv", "--output", "mine.csv")
    assert (refused.returncode, "would be overwritten" in refused.stderr) == (2, True)
    assert "1 slip, 0 with a password" in three.run("handout", "--limit", "one", "--handout", "mine.csv").stdout
    assert row["note"] == ""


@pytest.mark.parametrize("program", ["nbfab", "fab"])
def test_hosts_that_are_typed_share_the_handout_of_the_folder_s_inventory(three: Fleet, program: str) -> None:
    folder = three.folder / "typed"
    folder.mkdir()
    if program == "fab":
        for name in ("fabfile.py", "fabric.yaml"):
            shutil.copy(ROOT / name, folder)
    (folder / "hosts.yaml").write_text("hosts: {two: {}, three: {}, one: {}}\n")
    words = [f"{BIN}/{program}", "-S", str(three.config), "-H", "one,two", "password", "--new"]
    done = run(words, folder, three)
    assert done.returncode == 0, done.stderr
    handout = folder / "hosts-passwords.csv"
    assert done.stdout.endswith(f"URLs and passwords, for you alone: {handout}\n")
    shows_none(done, handout)
    assert list(rows(handout)) == ["two", "one"]
    for name, row in rows(handout).items():
        assert Password(row["password"]).fits(hash_in((three.profile(name) / "jupyter_server_config.json").read_text()))


def test_a_password_that_the_inventory_gives_is_not_replaced_by_a_new_one(three: Fleet) -> None:
    three.extra["two"] = ", password_env: LAB"
    three.write()
    done = three.run("password", "--new", LAB=PASSWORD)
    assert (done.returncode, connections(three)) == (2, 0)
    assert "hosts.yaml:" in done.stderr
    assert "--new makes no password for two: password_env gives it one" in done.stderr
    done = three.run("setup", LAB="short")
    assert (done.returncode, connections(three)) == (2, 0)
    assert "LAB, which holds the password of two: a password must have at least 12 characters" in done.stderr
    assert "short" not in done.stderr
    assert os.listdir(three.work) == []
