"""The socket by which other runs speak to a near end."""

import asyncio
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nbfab.tunnel import control


@pytest.fixture
def private() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nbfab-") as folder:
        yield Path(folder)


async def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"heard": request["do"]}


def test_a_line_each_way(private: Path) -> None:
    async def play() -> dict[str, Any]:
        path = str(private / "c")
        server = await control.serve(path, answer)
        assert os.stat(path).st_mode & 0o777 == 0o600
        try:
            return await asyncio.to_thread(control.ask, path, {"do": "status"}, 5)
        finally:
            server.close()

    assert asyncio.run(play()) == {"heard": "status"}


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"\xff\n", b"{", b"x" * 300_000])
def test_what_makes_no_sense_harms_no_one_else(private: Path, line: bytes) -> None:
    async def play() -> None:
        path = str(private / "c")
        server = await control.serve(path, answer)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        assert await asyncio.to_thread(control.ask, path, {"do": "status"}, 5) == {"heard": "status"}
        server.close()

    asyncio.run(play())


def test_one_that_hangs_is_not_waited_for(private: Path) -> None:
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(private / "c"))
        there.listen()
        began = time.monotonic()
        with pytest.raises(control.Unanswered, match="no answer within 1 seconds"):
            control.ask(str(private / "c"), {"do": "status"}, 1)
        assert time.monotonic() - began < 10


def test_one_that_drips_is_not_waited_for(private: Path) -> None:
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(private / "c"))
        there.listen()
        done = threading.Event()

        def drip() -> None:
            taken, _ = there.accept()
            with taken:
                while not done.wait(0.05):
                    try:
                        taken.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        with pytest.raises(control.Unanswered):
            control.ask(str(private / "c"), {"do": "status"}, 1)
        done.set()
        thread.join()
        assert time.monotonic() - began < 10


def test_a_folder_that_others_can_enter_is_not_trusted(private: Path) -> None:
    private.chmod(0o755)
    with pytest.raises(control.Unanswered, match="not private"):
        control.ask(str(private / "c"), {"do": "status"}, 1)
