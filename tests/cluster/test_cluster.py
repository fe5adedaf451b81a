"""A cluster of hosts in a network: from `cluster.up` to nothing that is left."""

import http.cookiejar
import json
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from chromium import SLOWEST, chromium, trust
from disk import fill
from issuers import Issued
from lan import LanFleet
from machine import BIN, PASSWORD, ROOT
from netns import ip
from notebook_page import CONNECTED, STATUS
from playwright.sync_api import Page, expect
from processes import children, lives
from sshd import wait_until

from nbfab.program import functions

# Puts a notebook with those cells beside the others; its path.
PUT = """async (content) => {
    const token = document.cookie.match('_xsrf=([^;]*)')[1];
    const send = (body) => fetch('/api/contents/cluster.ipynb', {method: 'PUT', body: JSON.stringify(body), headers: {
        'X-XSRFToken': token, 'Content-Type': 'application/json'}}).then(answer => answer.json());
    return (await send({type: 'notebook', content})).path; }"""


@pytest.fixture(scope="module")
def screenshots() -> Path:
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder


def cell(page: Page, number: int) -> str:
    """What a cell has printed, and shown."""
    return page.locator(".jp-Cell").nth(number).locator(".jp-OutputArea").inner_text()


def test_six_hosts_are_one_cluster_in_a_notebook_and_one_may_die(
    tmp_path: Path, fleet: Callable[..., LanFleet], screenshots: Path
) -> None:
    six = fleet(6)
    assert "6 workers answer" in six.ok("cluster.up")
    home, address = tmp_path / "browser", six.addresses["h1"]
    trust(home, six.profile("h1") / "nbserver.pem")
    with chromium(home, [address]) as browser:
        page = browser.new_context(viewport={"width": 1200, "height": 1000}).new_page()
        page.set_default_timeout(SLOWEST)
        page.goto(f"https://{address}:9999/")
        page.fill("#password_input", PASSWORD)
        page.click("#login_submit")
        page.wait_for_url("**/tree**")
        path = page.evaluate(PUT, json.loads((ROOT / "docs/cluster.ipynb").read_text()))
        page.goto(f"https://{address}:9999/notebooks/{path}")
        page.locator(CONNECTED).wait_for(state="attached")
        expect(page.locator(STATUS)).to_have_attribute("data-status", "idle")
        page.get_by_text("from distributed import Client").first.click()
        page.keyboard.press("Shift+Enter")
        expect(page.locator(".jp-OutputArea", has_text="6 workers").first).to_be_visible()
        link = page.get_by_role("link", name="/proxy/10063/status").first
        expect(link).to_be_visible()
        page.keyboard.press("Shift+Enter")
        page.keyboard.press("Shift+Enter")
        bar = page.locator(".jp-OutputArea", has_text="Completed")
        expect(bar.first).to_contain_text("%")
        with page.context.expect_page() as opened:
            link.click()
        dashboard = opened.value
        dashboard.set_default_timeout(SLOWEST)
        expect(dashboard.get_by_text("Data Transfer").first).to_be_visible()  # which its WebSocket brings
        six.kill_host("h4")
        dashboard.screenshot(path=screenshots / "dashboard.png")
        page.bring_to_front()
        page.get_by_text("from collections import Counter").first.click()
        page.keyboard.press("Shift+Enter")
        done = page.locator(".jp-OutputArea", has_text="tasks by worker")
        expect(done.first).to_be_visible(timeout=150_000)
        page.screenshot(path=screenshots / "cluster.png")
        printed = done.first.inner_text()
        assert "pi is about 3.14" in printed
        assert "5 workers" in printed
        anonymous = browser.new_context().new_page()
        anonymous.goto(f"https://{address}:9999/proxy/10063/status")
        expect(anonymous.locator("#password_input")).to_be_visible()
    assert "h4" in six.fails("cluster.stop")
    for name in six.hosts.keys() - {"h4"}:
        assert not six.members(name, "distributed"), six.processes(name)
        assert six.ports(name).keys() <= {"127.0.0.1"}, six.ports(name)  # those of kernels


def test_a_second_run_changes_nothing_and_a_new_host_gets_a_worker(fleet: Callable[..., LanFleet]) -> None:
    two = fleet(2)
    planned = two.json("cluster.up", "--plan")["h1"]
    assert "start its scheduler at port 10000" in [change["summary"] for change in planned["changes"]]
    assert planned["state"]["kernels"] == []
    assert not two.members("h1", "distributed")
    first = two.json("cluster.up")
    summaries = [change["summary"] for change in first["h2"]["changes"]]
    assert "start its worker for h1, at port 10001" in summaries
    cluster = first["h1"]["state"]["cluster"]
    assert [member["role"] for member in cluster["members"]] == ["scheduler", "worker"]
    assert cluster["ports"] == {"first": 10000, "last": 10062}
    assert [worker["at"] for worker in cluster["workers"]] == [f"{two.addresses[name]}:10001" for name in ("h1", "h2")]
    assert two.client("h2", "print(len(client.nthreads()))") == "2"
    pids = {name: two.members(name, "distributed") for name in two.hosts}
    steps = two.run("cluster.up").stderr.splitlines()
    assert steps.index("h1: waiting for the workers") < steps.index("h2: looking again")  # that takes processor time
    again = two.json("fleet.cluster")
    assert [again[name]["verdict"] for name in two.hosts] == ["unchanged", "unchanged"]
    assert {name: two.members(name, "distributed") for name in two.hosts} == pids
    name = two.add()
    two.ok("fleet.setup", "--limit", name)
    third = two.json("cluster.up", "--limit", name)
    assert third[name]["verdict"] == "changed"
    assert two.client(name, "print(len(client.nthreads()))") == "3"
    assert {name: two.members(name, "distributed") for name in pids} == pids
    linked = two.json("cluster.up")[name]["changes"]  # the link to the dashboard, now that its host is looked at
    assert [change["summary"] for change in linked] == ["rewrite the configuration that Client() reads"]
    assert {host["verdict"] for host in two.json("cluster.up").values()} == {"unchanged"}
    status = two.json("cluster.status")
    assert {host["verdict"] for host in status.values()} == {"running"}
    assert status["h1"]["state"]["cluster"]["members"][1]["since"]
    assert re.search("^h1 +running +scheduler, worker$", two.ok("cluster.status"), re.MULTILINE)
    assert "worker: nbfab: the worker starts" in two.ok("cluster.logs")
    text = two.fails("cluster.up", "--threads=1", status=1)
    assert "its worker runs, and has to be restarted for this; it was left alone, because it may be computing" in text
    assert "cluster.up --threads=1 --restart" in text
    two.ok("cluster.stop", "--limit=h2")
    none = two.json("cluster.up", "--threads=1")
    assert none["h2"]["error"] == "nothing was changed, because h1, h3 cannot be changed as well"
    assert not two.members("h2", "distributed"), "all are changed, or none"
    two.ok("cluster.up", "--threads=1", "--restart")
    assert two.client("h1", "print(sorted(client.nthreads().values()))") == "[1, 1, 1]"
    assert {host["verdict"] for host in two.json("cluster.up").values()} == {"unchanged"}


def test_what_is_no_member_is_refused_and_nothing_else_listens(tmp_path: Path, fleet: Callable[..., LanFleet]) -> None:
    two = fleet(2)
    two.ok("cluster.up")
    for name, own in (("h1", {10000, 10001, 10032}), ("h2", {10001, 10032})):
        ports = two.ports(name)
        assert ports.pop(two.addresses[name]) == own
        assert ports.keys() <= {"127.0.0.1"}, ports
    folder = two.profile("h1") / "cluster"
    assert [oct(path.stat().st_mode & 0o777) for path in (folder, folder / "node.pem")] == ["0o700", "0o600"]
    keys = [line for line in (folder / "node.pem").read_text().splitlines() if "-----" not in line][-2:]
    assert not any(keys[0] in line for line in two.processes("h1").values())
    machine = two.machine
    subprocess.run(two.command("ca", "--new"), env=machine.env, cwd=two.work, check=True, capture_output=True)
    (place,) = Path(machine.home, ".local/share/nbfab-authority").glob("*/")
    users = (place / "root.pem").read_text() + (place / "key.pem").read_text()
    stranger = Issued.root("Stranger").issue("stranger", ("stranger",))
    mine = tmp_path / "mine.pem"
    code = (
        "import sys, ssl, socket\n"
        "tls = ssl.create_default_context(cafile=sys.argv[1]); tls.check_hostname = False\n"
        "tls.load_cert_chain(sys.argv[2])\n"
        "with socket.create_connection((sys.argv[3], int(sys.argv[4])), 5) as plain:\n"
        "    with tls.wrap_socket(plain) as wrapped:\n"
        "        wrapped.settimeout(5)\n"
        "        print('served' if wrapped.recv(1) else 'closed')\n"
    )

    def tries(pem: str) -> list[str]:
        mine.write_text(pem)
        found = []
        for port in ("10000", "10001", "10032"):
            words = [str(two.python), "-c", code, f"{folder}/ca.pem", str(mine), two.addresses["h1"], port]
            done = two.within("h2", *words)
            found.append(done.stdout.strip() or done.stderr.strip().splitlines()[-1])
        return found

    assert tries((folder / "node.pem").read_text()) == ["served"] * 3
    for pem in (stranger.secret() + stranger.pem, users):
        for said in tries(pem):
            assert "unknown ca" in said.lower().replace("_", " ") or "UNKNOWN_CA" in said, said
    plain = (
        "import sys\nfrom distributed import Client\n"
        "for port in (10000, 10001, 10032):\n"
        "    try: Client(f'tcp://{sys.argv[1]}:{port}', timeout=3)\n"
        "    except OSError as error: print('refused')\n"
    )
    done = two.within("h2", str(two.python), "-c", plain, two.addresses["h1"])
    assert done.stdout.split() == ["refused"] * 3, done.stderr


SQUARES = """
def square(x):
    time.sleep(0.2)
    return x * x
futures = client.map(square, range(200), pure=False)
client.gather(futures[:4])
print("begun")
print(client.gather(futures) == [x * x for x in range(200)])
"""
CORES = "print(len(client.nthreads()))"


def keeper(fleet: LanFleet, name: str, role: str) -> int:
    """The process that starts a member anew."""
    return int((fleet.profile(name) / f"cluster/{role}.started").read_text().split()[0])


def nanny(fleet: LanFleet, name: str) -> int:
    return next(pid for pid in children(keeper(fleet, name, "worker")) if pid in fleet.members(name))


def kill_worker(fleet: LanFleet) -> None:
    os.kill(fleet.members("h2", "spawn_main")[0], signal.SIGKILL)


def kill_nanny(fleet: LanFleet) -> None:
    os.kill(nanny(fleet, "h2"), signal.SIGKILL)


def kill_keeper(fleet: LanFleet) -> None:
    os.kill(keeper(fleet, "h2", "worker"), signal.SIGKILL)


def fill_disk(fleet: LanFleet) -> None:
    place = fleet.profile("h2") / "cluster/tmp/full"
    with suppress(OSError), place.open("wb", buffering=0) as file:
        fill(file)


def slow(fleet: LanFleet) -> None:
    fleet.lan.slow(2, "200kbit")


@pytest.mark.parametrize("fault", [kill_worker, kill_nanny, fill_disk, slow])
def test_results_are_right_and_all_come_back(fleet: Callable[..., LanFleet], fault: Callable[[LanFleet], None]) -> None:
    two = fleet(2, disks={"h2": "60M"} if fault is fill_disk else {})
    two.ok("cluster.up", "--threads=1", "--workers=2")
    running = two.starts("h1", SQUARES)
    assert running.stdout
    assert running.stdout.readline() == "begun\n"
    fault(two)
    out, said = running.communicate(timeout=120)
    assert out == "True\n", said
    wait_until(lambda: two.client("h1", CORES) == "4", "the workers to be back")
    assert {host["verdict"] for host in two.json("cluster.up").values()} == {"unchanged"}


def test_an_old_client_answers_again_once_the_scheduler_was_killed(fleet: Callable[..., LanFleet]) -> None:
    two = fleet(2)
    two.ok("cluster.up")
    code = """
print(client.submit(abs, -1).result())
sys.stdin.readline()
while True:
    try:
        print(client.submit(abs, -2, pure=False).result(timeout=5))
        break
    except Exception as error:
        time.sleep(0.2)
"""
    running = two.starts("h2", code)
    assert running.stdout
    assert running.stdin
    assert running.stdout.readline() == "1\n"
    (scheduler,) = (pid for pid in children(keeper(two, "h1", "scheduler")) if pid in two.members("h1"))
    os.kill(scheduler, signal.SIGKILL)
    wait_until(lambda: not lives(scheduler), "the scheduler to end")
    wait_until(lambda: 10000 in two.ports("h1").get(two.addresses["h1"], ()), "the scheduler to be back")
    back = time.monotonic()
    running.stdin.write("\n")
    running.stdin.flush()
    assert running.stdout.readline() == "2\n"
    assert time.monotonic() - back < 15
    running.communicate(timeout=60)
    wait_until(lambda: two.client("h2", CORES) == "2", "the workers to be back")


def test_a_closed_port_is_named_with_the_hosts_between_which_it_is(fleet: Callable[..., LanFleet]) -> None:
    two = fleet(2)
    space = two.spaces["h2"]
    ip("-n", space, "rule", "add", "pref", "100", "lookup", "local")
    ip("-n", space, "rule", "delete", "pref", "0")
    device = two.lan.device(2)
    ip("-n", space, "rule", "add", "pref", "10", "iif", device, "ipproto", "tcp", "dport", "10032", "blackhole")
    found = two.json("cluster.up")
    assert found["h1"]["error"] == "it does not reach port 10032 of h2 (no answer)"
    assert found["h1"]["hint"] == "open these TCP ports to the other hosts, h2: 10000-10062"
    assert found["h1"]["state"]["cluster"]["closed"] == [{"host": "h2", "port": 10032, "why": "no answer"}]
    assert found["h2"]["error"] is None


def test_hosts_whose_versions_differ_are_refused_before_anything_starts(
    tmp_path: Path, fleet: Callable[..., LanFleet]
) -> None:
    two = fleet(2)
    other = two.hosts["h2"].home / "other"
    subprocess.run([str(two.python), "-m", "venv", "--without-pip", str(other)], check=True)
    (into,) = other.glob("lib/python*/site-packages")
    (has,) = two.python.parents[1].glob("lib/python*/site-packages")
    for path in has.iterdir():
        name = path.name
        (into / ("msgpack-0.0.1.dist-info" if name.startswith("msgpack-") else name)).symlink_to(path)
    metadata = (into / "msgpack-0.0.1.dist-info").resolve()
    (into / "msgpack-0.0.1.dist-info").unlink()
    shutil.copytree(metadata, into / "msgpack-0.0.1.dist-info")
    text = (into / "msgpack-0.0.1.dist-info/METADATA").read_text()
    (into / "msgpack-0.0.1.dist-info/METADATA").write_text(re.sub("(?m)^Version: .*$", "Version: 0.0.1", text))
    two.ok("fleet.setup", "--limit=h2", f"--python={other}")
    said = two.fails("cluster.up")
    assert (
        "members of a cluster need the same versions, and those of h1 differ from others: h2 has msgpack 0.0.1" in said
    )
    assert "fleet.setup --limit h1,h2 --requirements=requirements.txt" in said
    assert not two.members("h1", "distributed")


def test_remove_takes_all_of_it_and_needs_force_while_it_runs(fleet: Callable[..., LanFleet]) -> None:
    two = fleet(2)
    two.ok("cluster.up")
    said = two.fails("fleet.remove", "--limit=h2", "--yes")
    assert "nothing was removed, because that would end the worker of its cluster" in said
    two.ok("fleet.remove", "--limit=h2", "--yes", "--force")
    assert not two.processes("h2")
    assert not two.profile("h2").exists()
    two.ok("cluster.stop", "--limit=h1")
    status = two.json("cluster.status")
    assert status["h1"]["error"] == "its scheduler and worker do not run"
    assert status["h2"]["error"] == "it is in no cluster"


def test_members_start_when_the_host_boots_unless_they_were_stopped(fleet: Callable[..., LanFleet]) -> None:
    one = fleet(1)
    one.ok("cluster.up")
    script = functions(
        "look/json", "look/process", "look/look", "look/tmux", "look/cluster", "apply/session", "plan/at_boot"
    )
    script += f"folder={shlex.quote(str(one.profile('h1')))} keeper=\n"
    boots = ("sh", "-c", script + "start_members_after_boot")
    sessions = ("sh", "-c", script + "has_member scheduler || has_member worker")

    def dies() -> None:
        for pid in (*one.members("h1"), keeper(one, "h1", "worker"), keeper(one, "h1", "scheduler")):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not one.members("h1", "distributed"), "the host to end")
        wait_until(lambda: one.within("h1", *sessions).returncode, "its sessions to end")

    dies()
    assert one.within("h1", *boots).stdout == ""
    wait_until(lambda: 10000 in one.ports("h1").get(one.addresses["h1"], ()), "the scheduler to be back")
    assert one.client("h1", "client.wait_for_workers(1, timeout=60)\n" + CORES) == "1"
    one.ok("cluster.stop")
    assert one.within("h1", *boots).stdout == ""
    assert not one.members("h1", "distributed")


def test_the_dashboard_is_behind_the_login_also_through_open(fleet: Callable[..., LanFleet]) -> None:
    one = fleet(1)
    one.ok("cluster.up")
    command = [f"{BIN}/nbfab", "-S", str(one.folder / "ssh_config"), "-H", "h1", "open", "--no-browser"]
    opened = subprocess.Popen(command, env=one.machine.env, cwd=one.work, stdout=subprocess.PIPE, text=True)
    try:
        assert opened.stdout
        base = next(found[0] for line in opened.stdout if (found := re.search(r"https://localhost:\d+", line)))
        tls = ssl.create_default_context(cafile=str(one.profile("h1") / "nbserver.pem"))
        cookies = http.cookiejar.CookieJar()
        tries = urllib.request.HTTPSHandler(context=tls), urllib.request.HTTPCookieProcessor(cookies)
        browser = urllib.request.build_opener(*tries)
        dashboard = f"{base}/proxy/10063/status"
        assert "/login?next=" in browser.open(dashboard).url
        token = next(str(cookie.value) for cookie in cookies if cookie.name == "_xsrf")
        browser.open(f"{base}/login", urllib.parse.urlencode({"password": PASSWORD, "_xsrf": token}).encode())
        answer = browser.open(dashboard)
        assert answer.url == dashboard
        assert b"Dask" in answer.read()
    finally:
        opened.terminate()
        opened.wait(30)
