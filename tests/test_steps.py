"""The steps as what they are: functions from what is wanted and what was seen to what has to change."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from nbfab.converge import STEPS, plan
from nbfab.errors import HostError, UsageError
from nbfab.facts import Environment, Facts, Kernel, Server, Started
from nbfab.passwords import Password, generate
from nbfab.settings import Settings
from nbfab.steps import certificate, config, install, password, server
from nbfab.wanted import Wanted

NOW = 1_800_000_000.0
DAY = 86400
MODERN = Environment(
    "login", "/env/bin/python", {"notebook": "7.2", "jupyter_server": "2.14", "ipykernel": "6.29"}
)
CLASSIC = Environment(
    "login", "/usr/bin/python3", {"notebook": "6.4.12", "ipykernel": "6.17", "jupyter_server": "1.23"}
)
LAB = Environment(
    "asked", "/lab/bin/python", {"jupyterlab": "4.2", "jupyter_server": "2.14", "ipykernel": "6.29"}
)
EMPTY = Facts(
    "1000",
    int(NOW),
    "/home/ann/.local/share/nbfab/nbserver",
    "/home/ann",
    "ok",
    "/home",
    True,
    "absent",
)
NEW = replace(EMPTY, names=("box", "192.0.2.7"), tmux=True, environments=(MODERN,), system="Linux debian")
WANTED = Wanted(Settings(), ("box.example.org",), NOW, Password("correct horse battery"))


def with_certificate(facts: Facts, wanted: Wanted, **changes: Any) -> Facts:
    """Facts of a host that has the certificate that `certificate` makes."""
    values: dict[str, Any] = {
        "names": certificate.names(wanted, facts),
        "days": 365,
        "now": NOW,
        "clock": NOW,
    } | changes
    pem = certificate.make(**values)
    public = x509.load_pem_x509_certificate(pem.encode()).public_key()
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    shown = "-----BEGIN CERT" + pem.split("-----BEGIN CERT")[1]
    return replace(
        facts, certificate=shown, key_public=text, modes={"nbserver.pem": "-rw-------"}, owners={"nbserver.pem": "1000"}
    )


def why(wanted: Wanted, facts: Facts) -> str:
    """What the certificate step says it does; empty if it does nothing."""
    return " ".join(change.summary for change in certificate.certificate(wanted, facts))


def test_on_a_new_host_every_step_has_something_to_do() -> None:
    assert list(dict.fromkeys(change.step for change in plan(WANTED, NEW, STEPS.values()))) == list(STEPS)


def test_the_certificate_has_the_names_that_people_type() -> None:
    wanted = replace(WANTED, settings=Settings.parse({"names": ["Lab.Example.org", "2001:DB8::1", "bücher.example"]}))
    made = with_certificate(NEW, wanted)
    cert = x509.load_pem_x509_certificate(made.certificate.encode())
    san = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == [
        "box.example.org", "lab.example.org", "xn--bcher-kva.example", "box", "localhost"
    ]  # fmt: skip
    assert [str(a) for a in san.get_values_for_type(x509.IPAddress)] == ["2001:db8::1", "192.0.2.7", "127.0.0.1", "::1"]
    assert cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value == x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH]
    )
    assert cert.not_valid_after_utc.timestamp() == NOW + 365 * DAY
    assert why(wanted, made) == ""


@pytest.mark.parametrize(
    ("changes", "later", "reason"),
    [
        ({}, 0, ""),
        ({}, 334 * DAY, ""),
        ({}, 336 * DAY, "it ends in 29 days"),
        ({}, 400 * DAY, "it has ended"),
        ({"days": 3000}, 0, "it has 3000 days left, which is more than the 365 that are asked for"),
        ({"names": ("box",)}, 0, "it is not for box.example.org, 192.0.2.7, localhost, 127.0.0.1, ::1"),
        ({"now": NOW + 10 * DAY, "clock": NOW + 10 * DAY}, 0, "it is not valid yet"),
        ({"clock": NOW - 20 * DAY}, 0, ""),
    ],
)
def test_a_certificate_is_kept_while_it_fits(changes: Mapping[str, Any], later: float, reason: str) -> None:
    facts = with_certificate(NEW, WANTED, **changes)
    facts = replace(facts, clock=int(NOW + later))
    said = why(replace(WANTED, now=NOW + later), facts)
    assert said.endswith(reason) if reason else said == ""


def test_a_certificate_for_few_days_is_renewed_in_its_last_third() -> None:
    wanted = replace(WANTED, settings=Settings(days=9))
    facts = with_certificate(NEW, wanted, days=9)
    assert why(replace(wanted, now=NOW + 5 * DAY), facts) == ""
    assert "it ends in 2 days" in why(replace(wanted, now=NOW + 7.1 * DAY), facts)


@pytest.mark.parametrize(("public", "reason"), [("unreadable", "its key does not fit"), ("", "")])
def test_a_key_that_does_not_fit(public: str, reason: str) -> None:
    assert why(WANTED, replace(with_certificate(NEW, WANTED), key_public=public)).endswith(reason)


def test_a_readable_key_is_made_anew() -> None:
    facts = replace(with_certificate(NEW, WANTED), modes={"nbserver.pem": "-rw-r--r--"})
    assert "could be read by others" in why(WANTED, facts)


def test_a_host_keeps_its_password_unless_another_is_given() -> None:
    first = password.text(WANTED, NEW)
    has = replace(NEW, password_file=first, modes={password.FILE: "-rw-------"}, owners={password.FILE: "1000"})
    assert list(password.password(replace(WANTED, password=None), has)) == []
    assert list(password.password(replace(WANTED, password=Password("correct horse battery")), has)) == []
    (change,) = password.password(replace(WANTED, password=Password("another horse battery")), has)
    assert change.needs_restart
    assert "$argon2id$" not in repr(change) + change.summary + change.diff
    assert password.missing(replace(WANTED, password=None), NEW)


def test_the_hash_moves_into_the_names_of_notebook_6() -> None:
    has = replace(NEW, password_file=password.text(WANTED, NEW), environments=(CLASSIC,))
    kept = json.loads(password.text(replace(WANTED, password=None), has))
    assert kept == {"NotebookApp": {"password": json.loads(has.password_file)["IdentityProvider"]["hashed_password"]}}


@pytest.mark.parametrize(
    "broken",
    ["", "{", "[]", "null", '{"IdentityProvider": {}}', '{"IdentityProvider": {"hashed_password": "argon2:x"}}'],
)
def test_a_broken_password_file_holds_no_password(broken: str) -> None:
    assert password.known(replace(NEW, password_file=broken)) == ""


@pytest.mark.parametrize("weak", ["short", "elevenchars", "with\nnewline in it", " leading blank", "trailing blank "])
def test_a_password_that_could_not_be_used_is_refused(weak: str) -> None:
    with pytest.raises(UsageError, match="a password must") as error:
        Password(weak)
    assert weak not in str(error.value)


def test_a_generated_password_has_a_hundred_bits() -> None:
    alphabet, made = set("abcdefghijklmnopqrstuvwxyz234567"), [generate().reveal() for _ in range(50)]
    assert {len(text.replace("-", "")) for text in made} == {20}  # of 5 bits each
    assert set("".join(made)) - {"-"} <= alphabet
    assert len(set(made)) == 50


@pytest.mark.parametrize(
    ("environments", "app", "python", "module"),
    [
        ((MODERN,), "notebook", "/env/bin/python", "notebook"),
        ((LAB, MODERN), "notebook", "/env/bin/python", "notebook"),
        ((LAB,), "notebook", "/lab/bin/python", "jupyterlab"),
        ((CLASSIC,), "notebook", "/usr/bin/python3", "notebook"),
        ((CLASSIC, LAB), "lab", "/lab/bin/python", "jupyterlab"),
        ((CLASSIC, MODERN), "lab", "/home/ann/.local/share/nbfab/.venv/bin/python", "jupyterlab"),
        ((), "notebook", "/home/ann/.local/share/nbfab/.venv/bin/python", "notebook"),
    ],
)
def test_the_first_environment_that_fits_is_chosen(environments: Any, app: str, python: str, module: str) -> None:
    chosen = install.choose(replace(WANTED, settings=Settings(app=app)), replace(NEW, environments=environments))
    assert (chosen.python, chosen.module) == (python, module)


@pytest.mark.parametrize(
    "packages",
    [
        {"notebook": "6.3", "ipykernel": "6"},
        {"notebook": "7.2", "jupyter_server": "2.1"},
        {"jupyterlab": "4", "jupyter_server": "1.9", "ipykernel": "6"},
    ],
)
def test_an_environment_that_cannot_serve_is_left(packages: Mapping[str, str]) -> None:
    assert install.module(Environment("login", "/x", packages), "notebook") is None


@pytest.mark.parametrize(
    ("facts", "reason", "mend"),
    [
        ({}, "there is no python3 and no uv", "sudo apt-get install python3 python3-venv"),
        ({"python3": "/usr/bin/python3", "venv": "No module named 'ensurepip'"}, "No module named", "python3-venv"),
        ({"python3": "/usr/bin/python3", "venv": "3.6"}, "it is Python 3.6", "python3-venv"),
        ({"system": "Linux\nalpine", "uid": "0"}, "no python3", "apk add python3"),
        ({"system": "Plan9"}, "no python3", "with its package manager"),
    ],
)
def test_what_a_new_environment_lacks_is_named(facts: Mapping[str, Any], reason: str, mend: str) -> None:
    with pytest.raises(HostError, match=reason) as error:
        list(install.install(WANTED, replace(NEW, environments=(), **facts)))
    assert mend in error.value.hint


def test_the_settings_are_those_of_the_how_to_in_either_servers_names() -> None:
    odd = replace(NEW, directory='/data/it\'s "näme"\\n')
    for environment, app, root in ((MODERN, "ServerApp", "root_dir"), (CLASSIC, "NotebookApp", "notebook_dir")):
        values: dict[str, Any] = {}
        text = config.text(WANTED, replace(odd, environments=(environment,)))
        exec(text, {"get_config": partial(_Recorder, "", values)})
        assert values.pop("NotebookApp.token", None) or values.pop("IdentityProvider.token")
        assert values == {
            f"{app}.certfile": f"{odd.folder}/nbserver.pem",
            f"{app}.ip": "*",
            f"{app}.port": 9999,
            f"{app}.port_retries": 0,
            f"{app}.open_browser": False,
            f"{app}.{root}": odd.directory,
            f"{app}.extra_template_paths": [f"{odd.folder}/templates"],
            "MultiKernelManager.default_kernel_name": "nbserver",
        }


class _Recorder:
    """Takes `c.Class.trait = value`, as traitlets' configuration does."""

    def __init__(self, name: str, values: dict[str, Any]) -> None:
        self.__dict__["_name"], self.__dict__["_values"] = name, values

    def __getattr__(self, name: str) -> "_Recorder":
        return _Recorder(f"{self.__dict__['_name']}.{name}".lstrip("."), self.__dict__["_values"])

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["_values"][f"{self.__dict__['_name']}.{name}"] = value


def running(**changes: Any) -> Facts:
    """A host whose server runs as wanted."""
    started = Started("10", "11", "12345", server.run(WANTED, NEW)[1], int(NOW))
    script = server.run(WANTED, NEW)[0]
    at_work = replace(NEW, password_file=password.text(WANTED, NEW), session_pids=("10",), started=started, alive=True)
    at_work = replace(at_work, server=Server(True, "", 9999), run_file=script, modes={"run.sh": "-rw-------"})
    return replace(at_work, **changes)


@pytest.mark.parametrize(
    ("changes", "functions"),
    [
        ({}, []),
        ({"alive": False, "server": None, "session_pids": ()}, ["start_server"]),
        ({"started": Started("10", "11", "12345", "other", 0)}, ["stop_server", "start_server"]),
        (
            {"server": Server(False, "hangs"), "port_holder": "process 11 (python) of user ann"},
            ["stop_server", "start_server"],
        ),
        ({"run_file": "other"}, ["write_file"]),
    ],
)
def test_the_server_is_started_where_it_is_not_what_is_wanted(changes: Mapping[str, Any], functions: list[str]) -> None:
    facts = running(**changes)
    wanted = replace(WANTED, password=None)
    assert [change.function for change in server.server(wanted, facts)] == functions


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"alive": False, "session_pids": (), "tmux": ""}, "there is no tmux"),
        ({"alive": False, "session_pids": ("77",)}, "a tmux session nbserver is there that is not the server's"),
        (
            {"alive": False, "session_pids": (), "port_holder": "process 9 (nc) of user eve"},
            "port 9999 is taken by process 9",
        ),
        ({"server": None, "session_pids": ()}, "cannot be proven to be"),
    ],
)
def test_why_a_server_cannot_be_started(changes: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(HostError, match=reason):
        list(server.server(replace(WANTED, password=None), running(**changes)))


def test_what_would_end_with_the_server() -> None:
    kernel = Kernel("0123456789", "work/plot.ipynb", "busy")
    live = running(server=Server(True, "", 9999, (kernel,), ("1",))).live
    assert live == ("kernel 01234567 of work/plot.ipynb (busy)", "terminal 1")
    assert "does not answer" in running(server=Server(False, "hangs")).live[0]
    assert running(alive=False).live == ()


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"folder_state": "link"}, "is a symbolic link"),
        ({"writable": False, "user": "ann"}, "/home cannot be written to by ann"),
        ({"modes": {"run.sh": "lrwxrwxrwx"}, "owners": {"run.sh": "1000"}}, "is not a regular file"),
        ({"modes": {"run.sh": "-rw-------"}, "owners": {"run.sh": "0"}}, "belongs to another user"),
    ],
)
def test_a_place_that_is_not_safe_is_not_written_to(facts: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(HostError, match=reason):
        plan(WANTED, replace(NEW, **facts), STEPS.values())
