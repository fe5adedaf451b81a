"""A session: a program for the host's sh, over what carries now, and without a login."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from nbfab.tunnel import children
from nbfab.tunnel.carrier import Failed

MOST = 100_000  # bytes of what it prints
LATE = 45.0  # seconds


async def run(control: str, program: str) -> str:
    """What it prints, over the ControlMaster at that socket. Raises Failed."""
    options = {
        "ControlMaster": "no",
        "ControlPath": control.replace("%", "%%"),
        "ProxyCommand": "false",  # through the socket, or not at all
        "LogLevel": "ERROR",
        "BatchMode": "yes",
    }
    words = ["ssh", "-F", "/dev/null", *(word for pair in options.items() for word in ("-o", "=".join(pair)))]
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            *("-T", "--", "the-host", "exec /bin/sh"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={key: value for key, value in os.environ.items() if not key.startswith("LC_")},
        )
    except OSError as error:
        raise Failed(f"ssh: {error}") from None
    try:
        return (await asyncio.wait_for(_talk(process, program), LATE)).decode(errors="replace")
    except (TimeoutError, OSError):
        raise Failed("the host does not answer") from None
    finally:
        if process.returncode is None:
            children.end(process)
            await process.wait()


async def _talk(process: asyncio.subprocess.Process, program: str) -> bytes:
    assert process.stdin
    assert process.stdout
    process.stdin.write(program.encode())
    with suppress(ConnectionError):
        await process.stdin.drain()
    process.stdin.close()
    said = b""
    while len(said) < MOST and (more := await process.stdout.read(MOST)):
        said += more
    return said
