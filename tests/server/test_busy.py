"""Which messages of a kernel say that it works on something."""

import json

import pytest

from nbfab.server.busy import Running


def message(kind: str, state: str = "", request: str = "1", process: str = "a") -> list[bytes]:
    """A message as it comes from a kernel's socket."""
    header = {"msg_type": kind, "session": process}
    parts = [json.dumps(part).encode() for part in (header, {"msg_id": request}, {}, {"execution_state": state})]
    return [b"kernel.a.status", b"<IDS|MSG>", b"signature", *parts]


@pytest.mark.parametrize(
    ("messages", "busy"),
    [
        ([message("status", "busy")], True),
        ([message("status", "busy"), message("stream")], True),
        ([message("status", "busy"), message("status", "idle")], False),
        # A request on the control channel begins and ends meanwhile.
        ([message("status", "busy"), message("status", "busy", "2"), message("status", "idle", "2")], True),
        ([message("status", "idle", "of a time before")], False),
        ([message("status", "busy"), message("status", "starting", "", process="b")], False),
        ([message("status", "busy"), message("status", "idle", "2", process="b")], False),
    ],
)
def test_a_kernel_works_until_its_last_request_has_ended(messages: list[list[bytes]], busy: bool) -> None:
    running = Running()
    assert [running.take(frames) for frames in messages][-1] == busy
