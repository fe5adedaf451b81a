"""Sessions: those of one connection over paramiko. The next one is opened while a program runs.

So every program but the first takes a round trip less, on hosts with OpenSSH.
"""

import contextlib
import threading
import time

import paramiko

FREE = 5.0  # seconds until a session that has ended no longer counts on the host


class Sessions:
    """The sessions of a connection, for one thread."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self._opening: threading.Thread | None = None
        self._next: paramiko.Channel | None = None

    def begin(self, silence: float) -> None:
        """Opens the next one in the background, on OpenSSH. A host that allows no more of them now may do so later."""
        if not self._transport.remote_version.startswith("SSH-2.0-OpenSSH"):
            return
        opening = threading.Thread(target=self._open, args=(silence,), daemon=True)
        with contextlib.suppress(RuntimeError):  # this machine allows no more threads; it does without
            opening.start()
            self._opening = opening

    def _open(self, silence: float) -> None:
        try:
            self._next = self._transport.open_session(timeout=silence)
        except Exception as error:
            if not self._transport.is_active():  # for the next user of the connection to report
                self._transport.saved_exception = self._transport.saved_exception or error

    def end(self, channel: paramiko.Channel) -> None:
        """Ends a session whose program has printed its last line.

        When Dropbear (2022.83) sees that a program has ended, it also ends another session that waits for its program.
        So the next one is opened after that.
        """
        if "dropbear" in self._transport.remote_version:
            channel.status_event.wait(FREE)
        channel.close()

    def take(self, silence: float) -> paramiko.Channel:
        """A session. A host that allows one at a time may not have ended the last one yet. Raises SSHException."""
        if self._opening:
            self._opening.join(silence)
        waiting, self._next = self._next, None
        if waiting and not waiting.closed:  # a host may end those in which nothing happens
            return waiting
        end = time.monotonic() + FREE
        while True:
            try:
                return self._transport.open_session(timeout=silence)
            except paramiko.ChannelException:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
