"""What guards a kernel's debugger, in a kernel; what comes of it is in test_kernels.py."""

import asyncio
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ipykernel.ipkernel import IPythonKernel

from nbfab.server import debugger


def kernel(transport: str = "ipc", client: Any = None) -> Any:
    """A kernel, as far as its debugger's guard looks at it."""
    usual = SimpleNamespace(get_host_port=lambda: ("127.0.0.1", "1"), _get_endpoint=lambda: "tcp://127.0.0.1:1")
    return SimpleNamespace(
        parent=SimpleNamespace(transport=transport, ip="/run/kernel-ipc"),
        debugger=SimpleNamespace(debugpy_client=client or usual),
    )


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(debugger, "listen_on_paths", lambda: None)


def test_it_gets_a_socket_beside_the_kernel_s() -> None:
    mine = kernel()
    assert debugger.why_not(mine, allowed=True) == ""
    assert mine.debugger.debugpy_client.get_host_port() == ("/run/kernel-ipc-6", "0")
    assert mine.debugger.debugpy_client._get_endpoint() == "ipc:///run/kernel-ipc-6"


@pytest.mark.parametrize(
    ("kernel", "allowed", "reason"),
    [
        (kernel(), False, "`nbfab setup --debugger` turns it on"),
        (kernel(transport="tcp"), True, "would listen on a TCP port"),
        (kernel(client=SimpleNamespace()), True, "would listen on a TCP port"),  # of an ipykernel to come
        (SimpleNamespace(parent=SimpleNamespace(transport="ipc")), True, "would listen on a TCP port"),
    ],
)
def test_otherwise_it_does_not_start(kernel: Any, allowed: bool, reason: str) -> None:
    assert reason in debugger.why_not(kernel, allowed)


def test_the_code_of_cells_is_put_into_no_folder_that_another_user_has_made(tmp_path: Path) -> None:
    planted = tmp_path / f"ipykernel_{os.getpid()}"
    planted.mkdir(0o700)
    assert debugger.why_not(kernel(), allowed=True) == ""
    planted.chmod(0o777)
    assert "is another user's" in debugger.why_not(kernel(), allowed=True)
    planted.rmdir()
    planted.symlink_to(tmp_path)
    assert "is another user's" in debugger.why_not(kernel(), allowed=True)


def test_a_request_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stock(kernel: Any, message: Any) -> str:
        return "stock"

    monkeypatch.setattr(IPythonKernel, "do_debug_request", stock)
    debugger.guard_debugger(allowed=False)
    request = IPythonKernel.do_debug_request

    def answer(command: str) -> Any:
        return asyncio.run(request(kernel(), {"command": command, "seq": 7}))  # type: ignore[no-untyped-call]

    assert answer("debugInfo") == "stock"
    assert {key: answer("initialize")[key] for key in ("success", "request_seq")} == {
        "success": False,
        "request_seq": 7,
    }
