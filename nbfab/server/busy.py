"""A kernel counts as busy until what it computes has ended.

Notebook 6 and the first releases of jupyter_server 2 take the end of any request for that: of one on the control
channel, too, which a kernel answers while it computes, as for a page that has just been opened.
"""

from __future__ import annotations

import json
from typing import Any, Sequence

DELIMITER = b"<IDS|MSG>"  # after it: signature, header, parent header, metadata, content (jupyter_client, "Messaging")


class Running:
    """The requests that a kernel works on."""

    def __init__(self) -> None:
        self._process = ""
        self._requests: set[str] = set()

    def take(self, frames: Sequence[bytes]) -> bool:
        """Takes a message of the kernel's, and returns whether it works on any request."""
        begin = list(frames).index(DELIMITER) + 2
        header, parent, _, content = map(json.loads, frames[begin : begin + 4])
        if header["session"] != self._process:  # it has started anew, and its first words may be lost
            self._process = header["session"]
            self._requests.clear()
        if header["msg_type"] == "status":
            change = {"busy": self._requests.add, "idle": self._requests.discard}.get(content["execution_state"])
            if change:
                change(parent.get("msg_id", ""))
        return bool(self._requests)


def watch(manager: Any) -> None:
    """Lets a server's manager of kernels know which are busy, unless it can tell."""
    if hasattr(manager, "track_message_type"):
        return
    start = manager.start_watching_activity

    def start_watching(kernel_id: str) -> None:
        start(kernel_id)
        kernel, running = manager.get_kernel(kernel_id), Running()
        stream = kernel._activity_stream
        record = stream._recv_callback

        def take(frames: Sequence[bytes]) -> None:
            record(frames)  # which checks the signature
            if running.take(frames):
                kernel.execution_state = "busy"

        stream.on_recv(take)

    manager.start_watching_activity = start_watching
