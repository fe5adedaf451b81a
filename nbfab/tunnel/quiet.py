"""Runs what has connections that may end at any moment: that is no fault, and asyncio is not to report it as one."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`, but for errors of connections that no one has waited for."""

    async def quietly() -> Result:
        asyncio.get_running_loop().set_exception_handler(_report)
        return await main

    return asyncio.run(quietly())


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)
