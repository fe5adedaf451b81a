"""Looker: looks again at hosts, by nbfab itself, in a process of its own that ends once it has found out."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

from nbfab.tunnel.found import Found

MARK = "NBFAB_LOOKS"  # tells that process that its parent, whose pid this is, wants to know what is found
LINE = 1 << 20  # bytes of what is found on a host
WHOLE = 300.0  # seconds for all hosts


async def look(command: Sequence[str], names: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[Found]:
    """What is found on hosts now, each as it is found. It ends early if that process fails; it asks nothing."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            ",".join(names),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **env, MARK: str(os.getpid())},
            start_new_session=True,
            limit=LINE,
        )
    except OSError:  # it may have been moved, by an upgrade say
        return
    assert process.stdout
    try:
        async with asyncio.timeout(WHOLE):
            while line := await process.stdout.readline():
                with suppress(ValueError, KeyError, TypeError):
                    yield Found.load(line.decode())
    except (TimeoutError, ValueError):  # too late, or no line at all
        return
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGTERM)
        await process.wait()
