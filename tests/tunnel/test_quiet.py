"""What asyncio reports of errors that no one has waited for."""

import asyncio
import gc

import pytest

from nbfab.tunnel import quiet


@pytest.mark.parametrize(
    ("error", "reported"),
    [(ConnectionResetError(), False), (BrokenPipeError(), False), (ValueError("a fault"), True)],
)
def test_an_ended_connection_is_no_fault(error: Exception, reported: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def ends() -> int:
        asyncio.get_running_loop().create_future().set_exception(error)
        return 3

    assert quiet.run(ends()) == 3
    gc.collect()
    assert ("never retrieved" in caplog.text) == reported
