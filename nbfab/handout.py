"""The passwords of a fleet: one that is typed for all, or one generated for each and written down to hand out."""

import csv
import io
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbfab import asking
from nbfab.errors import HostError
from nbfab.inventory import InventoryHost
from nbfab.passwords import Password, generate
from nbfab.settings import Settings

if TYPE_CHECKING:
    from nbfab.host import There


class Handout:
    """Gives a host that has no password one; `path` is the CSV file of those that were generated, once there is one.

    `aside` asks a question of a person where a display is in the way.
    """

    def __init__(self, hosts: Sequence[InventoryHost]) -> None:
        self.path = ""
        self.aside: Callable[[Callable[[], Any]], Any] = lambda question: question()
        self._sources = {host.name: host.password for host in hosts}
        self._lock = threading.Lock()
        self._asked = False
        self._typed: Password | None = None

    def password(self, host: "There", settings: Settings) -> Password:
        """A password for a host that has none. Raises HostError if somebody has to type it, and nobody is there."""
        with self._lock:
            if self._prompts(host):
                password = self._once()
                if password is None:
                    raise HostError(
                        "its password is to be typed (password: prompt), and was not",
                        "run it on a terminal, or set NBFAB_PASSWORD",
                    )
                return password
            made = generate()
            # Before the host gets it: a connection that is cut afterwards must not cost the password.
            self._write(host.label, f"https://{host.names[0]}:{settings.port}/", made)
            # It is in the file; a report of many hosts is no place for it.
            made.generated = False
            return made

    def new_password(self, host: "There") -> Password | None:
        """A password in place of the one that is there, where one is to be typed; None to keep it."""
        with self._lock:
            return self._once() if self._prompts(host) else None

    def confirm(self, question: str) -> bool:
        """Whether a person says yes, one question at a time."""
        with self._lock:
            return asking.somebody() and bool(self.aside(lambda: asking.yes(question)))

    def _prompts(self, host: "There") -> bool:
        return self._sources.get(host.label) == ("password", "prompt")

    def _once(self) -> Password | None:
        """The one password for all, typed at the first time that it is needed; None if nobody types one."""
        if not self._asked:
            self._typed = self.aside(asking.typed_password) if asking.somebody() else None
            self._asked = True
            if self._typed:
                _ = self._typed.hash  # made once, for all
        return self._typed

    def _write(self, name: str, url: str, password: Password) -> None:
        new = not self.path
        path = self.path or os.path.abspath(time.strftime(f"nbfab-passwords-%Y%m%d-%H%M%S-{os.getpid()}.csv"))
        flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT | os.O_EXCL if new else 0)
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        if new:
            rows.writerow(["host", "url", "password"])
        rows.writerow([name, url, password.reveal()])
        try:
            with open(os.open(path, flags | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8") as file:
                file.write(text.getvalue())
                file.flush()
                os.fsync(file.fileno())
            self.path = path
        except OSError as error:
            raise HostError(
                f"its password could not be written to {path}: {error.strerror}", "df .; ls -ld ."
            ) from None
