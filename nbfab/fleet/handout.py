"""The passwords of a fleet: one that is typed for all, or one generated per host and written down to hand out."""

import csv
import io
import os
import threading
import time
from collections.abc import Sequence

from nbfab.errors import HostError
from nbfab.host import Host
from nbfab.inventory.hosts import InventoryHost
from nbfab.names import in_url
from nbfab.passwords import Password, generate
from nbfab.settings import Settings
from nbfab.user import Console

QUESTION = "Password for the notebooks, the same for all: "


class Handout:
    """Gives a host that has no password one. `path` is the CSV file of those that were generated, once there is one."""

    def __init__(self, hosts: Sequence[InventoryHost], console: Console) -> None:
        self.path = ""
        self._console = console
        self._sources = {host.name: host.password for host in hosts}
        self._lock = threading.Lock()
        self._asked = False
        self._typed: Password | None = None

    def password(self, host: Host, settings: Settings) -> Password:
        """A password for a host that has none. Raises HostError if it should be typed, and no one is there."""
        with self._lock:
            if self._prompts(host):
                password = self._once()
                if password is None:
                    raise HostError(
                        "its password has to be typed (password: prompt), and was not",
                        "run it on a terminal, or set NBFAB_PASSWORD",
                    )
                return password
            made = generate()
            # Before the host gets it: a connection that is cut afterwards must not cost the password.
            self._write(host.label, f"https://{in_url(host.names[0])}:{settings.port}/", made)
            # It is in the file; a report of many hosts is no place for it.
            made.generated = False
            return made

    def new_password(self, host: Host) -> Password | None:
        """A password to replace the one that is there, if it should be typed; None to keep it."""
        with self._lock:
            return self._once() if self._prompts(host) else None

    def _prompts(self, host: Host) -> bool:
        return self._sources.get(host.label) == ("password", "prompt")

    def _once(self) -> Password | None:
        """The one password for all, typed when it is first needed; None if no one types one."""
        if not self._asked:
            self._typed = self._console.types_password(QUESTION)
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


def given_password(host: InventoryHost) -> Password | None:
    """The password that an inventory gives a host by `password_env` or `password_hash`. Raises UsageError."""
    key, value = host.password
    if key == "password_hash":
        return Password(known=value)
    if key != "password_env":
        return None
    text = os.environ.get(value, "")
    if not text:
        raise host.place.error(f"{value}, which holds the password of {host.name}, is not set", f"export {value}=...")
    return Password(text)
