"""A host that says what makes no sense: it costs what was asked for, and neither the link nor the program."""

import asyncio
import io
from http import HTTPStatus
from typing import Any

import pytest

from nbfab.tunnel import once, probes, session
from nbfab.tunnel.carrier import Carrier
from nbfab.tunnel.causes import Causes
from nbfab.tunnel.host import Host, Server
from nbfab.tunnel.spec import Spec

DEEP = '{"a":' * 5000
GARBAGE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def test_a_certificate_that_is_none() -> None:
    with pytest.raises(once.NoLogin, match="certificate"):
        once.ask(9, GARBAGE, "token")


def test_an_answer_that_has_no_end_of_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        status, reason = HTTPStatus.OK, "OK"

        def __init__(self, *_: Any) -> None:
            self.read = io.BytesIO(DEEP.encode()).read

        def request(self, *_: Any, **__: Any) -> None: ...
        def close(self) -> None: ...

        def getresponse(self) -> "Connection":
            return self

    monkeypatch.setattr(once, "Proven", Connection)
    with pytest.raises(once.NoLogin):
        once.ask(9, "", "token")


def test_a_server_s_note_that_has_no_end_of_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    async def said(control: str, program: str) -> str:
        return f'{DEEP}\n{{"port": 8888}}\n'

    monkeypatch.setattr(session, "run", said)
    host = Host({}, {}, lambda text, event: None)
    assert asyncio.run(host.server(Carrier((), "", "", {}))) == Server(8888)


def test_output_that_is_held_back_for_longer_than_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def held(path: str) -> int:
        return (1 << 64) - 1

    monkeypatch.setattr(probes, "relay_answers", held)
    notes: list[str] = []
    spec = Spec("box", "nbserver", (), "", relayed=True, ports=())
    causes = Causes(spec, lambda text, event: notes.append(text), lambda: None, lambda: 0)  # type: ignore[arg-type, return-value]
    asyncio.run(causes.probe(""))
    assert "at risk" in notes[0]
