"""Two entries of an inventory that are one server."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from nbfab.errors import ConnectError
from nbfab.fleet.twins import Entry, plain, twins
from nbfab.names import HostString
from nbfab.ssh.route import Route
from nbfab.ssh.routes import Routes

ROUTE = Route(HostString(None, "gpu1", None), "gpu1.example.org", "ann", 22)
FIRST = Entry("gpu1", ROUTE, None, "nbserver")
JUMP = HostString(None, "bastion", None)


@pytest.mark.parametrize(
    "route",
    [
        ROUTE,
        replace(ROUTE, typed=HostString("ann", "other", 22)),
        replace(ROUTE, hostname="GPU1.Example.ORG"),
        replace(ROUTE, hostname="gpu1.example.org."),
    ],
)
def test_one_server_under_two_names(route: Route) -> None:
    (name, twin), *more = twins([FIRST, Entry("two", route, None, "nbserver")]).items()
    assert not more
    assert (name, twin.first) == ("two", "gpu1")
    assert twin.what == "ann@gpu1.example.org:22, profile nbserver"


@pytest.mark.parametrize(
    "other",
    [
        replace(FIRST, name="two", profile="second"),
        replace(FIRST, name="two", jumps=(JUMP,)),  # the same private address behind another jump host
        replace(FIRST, name="two", route=replace(ROUTE, hostname="gpu2.example.org")),
        replace(FIRST, name="two", route=replace(ROUTE, port=2222)),
        replace(FIRST, name="two", route=replace(ROUTE, user="bob")),
        replace(FIRST, name="two", route=replace(ROUTE, jumps=(JUMP,))),
        replace(FIRST, name="two", route=replace(ROUTE, proxy_command="connect gpu2")),
    ],
)
def test_two_servers(other: Entry) -> None:
    assert not twins([FIRST, other])


def test_every_entry_but_the_first_is_named() -> None:
    found = twins(replace(FIRST, name=name) for name in ("a", "b", "c"))
    assert {name: twin.first for name, twin in found.items()} == {"b": "a", "c": "a"}


@pytest.mark.parametrize(
    ("spellings", "one"),
    [
        (("::1", "0:0:0:0:0:0:0:1", "0000::0001"), "::1"),
        (("192.0.2.7", "192.0.2.7."), "192.0.2.7"),
        (("Box", "BOX.", "box"), "box"),
    ],
)
def test_an_address_has_many_spellings(spellings: tuple[str, ...], one: str) -> None:
    assert {plain(spelling) for spelling in spellings} == {one}


def test_routes_are_those_of_openssh_and_each_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("Host gpu1 gpu1.example.org\n  HostName 192.0.2.7\n  User ann\n")
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho >>{tmp_path}/asked\nPATH={os.environ["PATH"]} exec ssh "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    one, two = ((HostString(None, name, None), str(config), ()) for name in ("gpu1", "gpu1.example.org"))
    found = Routes([one, two, one]).all()
    routes = [found[asked] for asked in (one, two)]
    assert [route.hostname for route in routes if isinstance(route, Route)] == ["192.0.2.7"] * 2
    assert len((tmp_path / "asked").read_text().splitlines()) == 2


def test_a_host_that_openssh_has_no_route_to_costs_the_others_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("Nonsense yes\n")
    found = Routes(
        [(HostString(None, "one", None), str(bad), ()), (HostString(None, "two", None), "/dev/null", ())]
    ).all()
    assert [type(route) for route in found.values()] in ([ConnectError, Route], [Route, ConnectError])
