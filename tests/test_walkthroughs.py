"""Five people at a terminal, each with an empty home folder and the README: what it promises them, they get."""

import csv
import os
import re
import shlex
from contextlib import ExitStack
from pathlib import Path

import pytest
from machine import ROOT
from namespace import bind, with_mounts, without
from newcomer import MADE, Newcomer
from notebook_client import Notebook, logs_in
from sshd import Sshd
from venvs import environment, with_jupyter

pytestmark = pytest.mark.timeout(600)
INSTALL = "uv tool install ."
CRON = re.search(r"(?m)^    0 6 \* \* \*  (.*)$", (ROOT / "docs/scripts.md").read_text())


def hosts(folder: Path, stack: ExitStack, *names: str, lacks: tuple[str, ...] = ()) -> dict[str, Sshd]:
    """Hosts with those names, which may lack programs."""
    return {name: stack.enter_context(Sshd(folder / name, replace=without(*lacks))) for name in names}


def test_a_data_scientist_gets_a_plot_on_a_host_that_has_nothing(tmp_path: Path, stack: ExitStack) -> None:
    one = Newcomer(tmp_path, stack, hosts(tmp_path, stack, "gpu1", lacks=("jupyter",)))
    assert one.types(INSTALL)[0] == 0
    status, screen, asked = one.types("nbfab -H gpu1 setup")
    assert status == 0, screen
    # Two decisions, and last of all what it takes to log in.
    assert [words.partition("?")[0].partition(" (")[0] for words in asked] == [
        "Is this the host's key",
        "Password for the notebook",
    ]
    url, password, _ = screen.strip().splitlines()[-3:]
    port = one.machine.port
    assert re.fullmatch(rf"  open +https://gpu1:{port}/|  open +https://127\.0\.0\.1:{port}/", url), url
    assert password.startswith("  Password: ")
    client = Notebook(port, one.profile("gpu1"), password.split()[-1])
    assert client.plot().startswith(b"\x89PNG")
    assert "nothing changed" in one.types("nbfab -H gpu1 setup")[1]
    status, screen, asked = one.types("nbfab -H gpu1 stop")
    assert (status, len(asked)) == (0, 1), "a kernel is live, so it asks"
    status, screen, _ = one.types("nbfab -H gpu1 status")
    (fix,) = re.findall(r"(?m)^  fix +(.*)$", screen)
    assert (status, fix) == (1, "nbfab -H gpu1 start")
    assert one.types(fix)[0] == 0
    assert logs_in(port, one.profile("gpu1"), password.split()[-1])


def test_a_teacher_sets_up_twelve_machines_and_prints_slips(tmp_path: Path, stack: ExitStack) -> None:
    names = [f"pc{number:02}" for number in range(1, 13)]
    one = Newcomer(tmp_path, stack, hosts(tmp_path, stack, *names))
    usual = environment(tmp_path / "usual")
    for host in one.hosts.values():
        with_jupyter(usual, host.home)
    assert one.types(INSTALL)[0] == 0
    assert one.types("nbfab init")[0] == 0
    file = one.clone / "hosts.yaml"
    # The first hosts of the example are a classroom; what is not needed goes.
    text = re.sub(r"(?m)^  workstation:.*\n", "", file.read_text().partition("\ngroups:")[0])
    file.write_text(text.replace("port: 9999", f"port: {one.machine.port}"))
    status, screen, _ = one.types("nbfab fleet.plan")
    assert status == 1
    (compared,) = re.findall(r"(?m)^fix for 12 hosts \(pc\[01:12\]\):\n +(.*)\n", screen)
    assert compared.startswith("compare it with")
    status, screen, _ = one.types("nbfab fleet.plan --accept-new-host-key")
    assert status == 0, screen
    assert "pc[01:12]" in screen, "equal plans share a block"
    # All twelve are this one machine, so each needs a port of its own.
    file.write_text("hosts:\n" + "".join(f"  {name}: {{port: {one.ports[name]}}}\n" for name in names))
    one.hosts["pc07"].stop()
    status, screen, asked = one.types("nbfab fleet.setup")
    assert status == 1, screen
    assert asked == ["Go on? [y/N]"]
    assert re.search(r"11 changed, 1 not reached", screen), screen
    one.hosts["pc07"].start()
    status, screen, _ = one.types("nbfab fleet.setup --failed")
    assert status == 0, screen
    sheet = one.clone / "hosts-passwords.csv"
    assert sheet.stat().st_mode & 0o777 == 0o600
    with sheet.open() as rows:
        made = {row["host"]: row["password"] for row in csv.DictReader(rows)}
    assert list(made) == names
    assert all(logs_in(one.ports[name], one.profile(name), made[name]) for name in ("pc01", "pc07", "pc12"))
    assert not MADE.search(screen), "no password is on the screen"
    status, screen, _ = one.types("nbfab fleet.handout")
    assert (status, "12 slips, 12 with a password" in screen) == (0, True), screen
    slips = (one.clone / "hosts-slips.html").read_text()
    assert all(password in slips for password in made.values())
    status, screen, _ = one.types("nbfab fleet.page")
    assert (status, "12 of 12 running" in screen) == (0, True), screen
    status, screen, _ = one.types("nbfab fleet.stop")
    assert (status, "pc[01:12]" in screen) == (0, True), screen


def test_an_administrator_has_ansible_and_cron(tmp_path: Path, stack: ExitStack) -> None:
    one = Newcomer(tmp_path, stack, hosts(tmp_path, stack, "web1", "web2"), known=("web1", "web2"))
    usual = environment(tmp_path / "usual")
    for host in one.hosts.values():
        with_jupyter(usual, host.home)
    assert one.types(INSTALL)[0] == 0
    lab = one.machine.home / "lab"
    lab.mkdir()
    (lab / "hosts.yaml").write_text(
        "all:\n  children:\n    web:\n      hosts:\n"
        + "".join(
            f"        {name}: {{nbfab_port: {port}, ansible_python_interpreter: auto}}\n"
            for name, port in one.ports.items()
        )
    )
    assert one.types("cd ~/lab")[0] == 0
    status, screen, _ = one.types("nbfab fleet.plan --check")
    assert status == 3, screen
    # As cron runs it: by sh, without a terminal, with a short PATH (and the ssh that knows these hosts).
    assert CRON
    few = {"HOME": str(one.machine.home), "PATH": f"{one.clone.parent}/bin:/usr/bin:/bin", "SHELL": "/bin/sh"}
    words = ["env", "-i", *(f"{name}={value}" for name, value in few.items()), "sh", "-c", CRON[1]]
    as_cron = f"{shlex.join(words)} </dev/null 2>&1 | cat"
    _, screen, _ = one.types(as_cron)
    assert "2 changed" in screen, screen
    assert (lab / "hosts-passwords.csv").exists()
    _, screen, _ = one.types(as_cron)
    assert screen.partition("| cat")[2].split() == ["exit=0", "$"], "nothing is mailed where nothing changes"
    assert one.types("nbfab fleet.plan --check --quiet")[0] == 0
    assert one.types("nbfab -H web1 status --days-left 14")[0] == 0
    status, screen, _ = one.types("nbfab -H web1 status --days-left 400")
    assert (status, "fewer than 400" in screen) == (3, True), screen
    assert one.types("nbfab -H web1 stop")[0] == 0
    assert one.types("nbfab -H web1 status --days-left 14")[0] == 1
    _, screen, _ = one.types(as_cron)
    assert "web1" in screen.partition("| cat")[2], "the server that did not run runs again, which is news"
    assert "web2" not in screen.partition("| cat")[2]


def test_someone_has_their_own_jupyter_and_conda(tmp_path: Path, stack: ExitStack) -> None:
    one = Newcomer(tmp_path, stack, hosts(tmp_path, stack, "gpu1"), known=("gpu1",))
    home = one.hosts["gpu1"].home
    with_jupyter(environment(home / "own"), home)
    for root in ("miniforge3", "mambaforge"):
        (environment(home / root / "envs/geo") / "conda-meta").mkdir()
    (environment(home / "miniforge3/envs/plots") / "conda-meta").mkdir()
    (packages,) = (home / "miniforge3/envs/geo").glob("lib/*/site-packages")
    before = sorted(os.listdir(packages))
    assert one.types(INSTALL)[0] == 0
    assert "the login shell's jupyter" in one.types("nbfab -H gpu1 plan")[1]
    status, screen, _ = one.types("nbfab -H gpu1 setup --python plotz")
    assert (status, "there are geo, plots" in screen) == (1, True), screen
    status, screen, _ = one.types("nbfab -H gpu1 setup --python geo")
    assert status == 1, "two have that name"
    (fix,) = re.findall(rf"nbfab .*--python={home}/miniforge3/envs/geo$", screen, re.MULTILINE)
    status, screen, asked = one.types(fix)
    assert (status, len(asked)) == (0, 1), screen
    password = MADE.findall(screen)[-1]
    client = Notebook(one.machine.port, one.profile("gpu1"), password)
    assert client.plot().startswith(b"\x89PNG")
    assert (
        client.get("/api/kernelspecs")["kernelspecs"]["nbserver"]["spec"]["display_name"] == "Python 3 (nbserver: geo)"
    )
    assert sorted(os.listdir(packages)) == before, "nothing is installed into it"
    status, screen, _ = one.types("nbfab -H gpu1 setup --with pandas")
    assert (status, "make an environment with pandas" in screen) == (0, True), screen
    assert sorted(os.listdir(packages)) == before, "it is beside that, and not in it"
    kernel = str(client.post("/api/kernels", {"name": "nbserver"})["id"])
    assert client.evaluates(kernel, "__import__('pandas').__name__") == "'pandas'"


def test_a_colleague_has_zsh_and_no_tmux(tmp_path: Path, stack: ExitStack) -> None:
    shell = shlex.join(with_mounts(["zsh", "-f"], bind({"/usr/bin/tmux": "/dev/null"})))
    one = Newcomer(tmp_path, stack, shell=f"exec {shell}")
    one.terminal.clear()
    one.terminal.type("sh bootstrap.sh inv serve")
    one.terminal.shows("Password for the notebook", 240)
    one.terminal.type("")
    screen = one.terminal.shows("Control-C ends it")
    assert "there is no tmux, so the server runs in the foreground" in screen
    assert re.search(r"^ +(sudo )?apt-get install tmux$", screen, re.MULTILINE)
    assert f"https://localhost:{one.machine.port}/" in screen
    assert Notebook(one.machine.port, one.profile(), MADE.findall(screen)[-1]).plot().startswith(b"\x89PNG")
    one.terminal.press("C-c")
    one.terminal.shows("the server has ended")
    status, screen, _ = one.types("sh bootstrap.sh inv status")
    assert (status, "it was stopped" in screen) == (1, True), screen
    status, screen, _ = one.types("sh bootstrap.sh inv remove")
    assert (status, one.profile().exists()) == (0, False), screen
