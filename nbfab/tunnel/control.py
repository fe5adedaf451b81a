"""Control: the socket by which other runs speak to a near end. One line of JSON each way.

Requests are `{"do": "status"}`, `{"do": "open", "browser": true}` and `{"do": "close"}`. Only its owner reaches it:
it is in a folder that no one else can enter.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nbfab.tunnel.claim import is_private

LINKS = ("connecting", "up", "down", "ended")  # what a link is
LONGEST = 200_000  # bytes of a line
PROMPT = 5.0  # seconds for a request to be whole

Answer = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class Unanswered(Exception):
    """No near end answers there."""


async def serve(path: str, answer: Answer) -> asyncio.AbstractServer:
    """Answers at a socket from now on. Raises OSError."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.TimeoutError):
            request = json.loads(await asyncio.wait_for(reader.readline(), PROMPT))
            if isinstance(request, dict):
                writer.write(json.dumps(await answer(request)).encode() + b"\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(one, path, limit=LONGEST)
    os.chmod(path, 0o600)
    return server


def ask(path: str, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """What the near end at a socket answers within that time. Raises Unanswered."""
    if not is_private(os.path.dirname(path)):
        raise Unanswered("its folder is not private")
    end, data = time.monotonic() + seconds, b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as there:
        try:
            there.settimeout(seconds)
            there.connect(path)
            there.sendall(json.dumps(request).encode() + b"\n")
            while not data.endswith(b"\n"):
                there.settimeout(max(0.01, end - time.monotonic()))
                more = there.recv(65536)
                data += more
                if not more or len(data) > LONGEST:
                    raise Unanswered("it has ended")
            known = json.loads(data)
        except TimeoutError:
            raise Unanswered(f"no answer within {seconds:.0f} seconds") from None
        except (OSError, ValueError) as error:
            raise Unanswered(str(error)) from None
    if not isinstance(known, dict):
        raise Unanswered("it makes no sense")
    return known
