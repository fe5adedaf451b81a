"""The passwords of a fleet: one that is typed for all, or one generated per host and written down to hand out."""

import os
import shlex
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from nbfab.errors import HostError, UsageError
from nbfab.fix import Command, Fix
from nbfab.fleet import git, handed, sheet
from nbfab.fleet.handed import Handed, Record, Sent, digest
from nbfab.fleet.state import state_file
from nbfab.host import Host
from nbfab.inventory.hosts import InventoryHost
from nbfab.names import in_url
from nbfab.outcome import Outcome
from nbfab.passwords import SHORTEST, Password, generate
from nbfab.records import dataclass
from nbfab.settings import Settings
from nbfab.user import Console

EXPOSED = "{} could be read by others; now only you can"
QUESTION = f"Password for the notebooks, the same for all (at least {SHORTEST} characters): "
UNCERTAIN = f"{sheet.DOUBTS[0]}: the run ended before the host had confirmed it"


@dataclass
class _Made:
    """A password that was generated for a host, on its way there."""

    password: Password = field(repr=False)
    url: str
    place: str


class Handout:
    """Gives a host that has no password one, and writes it down once the host has its hash.

    It goes to the sheet `to`, whose rows are sorted by the `order` of hosts. `path` is that sheet once a password of
    this run is in it, and `corrected` are the sheets of this `inventory` with a row that is no longer, or now, right.
    `updated` are those with a URL or fingerprint that is another now.
    """

    def __init__(
        self,
        hosts: Sequence[InventoryHost],
        console: Console,
        inventory: Path,
        *,
        to: Path | None = None,
        order: Sequence[str] = (),
    ) -> None:
        self.path = ""
        self.corrected: set[str] = set()
        self.updated: set[str] = set()
        self._to = to or beside(inventory)
        self._order = order
        self._console = console
        self._typed_for = {host.name for host in hosts if host.types_password}
        self._file = state_file(inventory, ".passwords")
        self._lock = threading.Lock()
        self._asked = False
        self._typed: Password | None = None
        self._made: dict[str, _Made] = {}
        self._here: dict[str, Password] = {}  # of this run, by host
        self._unwritten: dict[str, str] = {}
        self._record: Record | None = None
        self._remembers = False
        self._seen: dict[str, sheet.Row] = {}  # what this run knows of hosts, beside their passwords

    @property
    def fix(self) -> Fix:
        """The command that shows why no sheet can be written."""
        folder = shlex.quote(str(self._to.parent))
        return (Command(f"df {folder}; ls -ld {folder}"),)

    def check(self) -> str:
        """Makes sure that passwords may be written to the sheet, before any host gets one. Returns what to know.

        Raises UsageError.
        """
        git.check(self._to)
        try:
            exposed = sheet.check(self._to)
        except sheet.Unfit as error:
            move = Command(shlex.join(("mv", "-i", str(self._to), f"{self._to}.old")))
            raise UsageError(f"{self._to} cannot hold the passwords: {error.strerror}", move) from None
        except OSError as error:
            raise UsageError(f"{self._to} could not be written: {error.strerror}", *self.fix) from None
        return EXPOSED.format(self._to) if exposed else ""

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
        return self.make(host, settings)

    def make(self, host: Host, settings: Settings) -> Password:
        """A new password for a host, on its way to the sheet."""
        with self._lock:
            made = generate()
            # It goes to the sheet; a report of many hosts is no place for it.
            made.generated = False
            url = f"https://{in_url(host.names[0])}:{settings.port}/"
            self._made[host.label] = _Made(made, url, _place(host, settings))
            # Against SIGKILL alone, so a run goes on without it.
            self._remember(lambda record: record.sent.append(self._sent(host.label)))
            return made

    def new_password(self, host: Host) -> Password | None:
        """A password to replace the one that is there, if it should be typed; None to keep it."""
        with self._lock:
            return self._once() if self._prompts(host) else None

    def is_set(self, host: str, *, certain: bool) -> None:
        """Writes down the password that was generated for `host`, which has its hash, or may have it."""
        with self._lock:
            if host in self._made:
                sent, made = self._sent(host), self._made.pop(host)
                self._here[host] = made.password
                self._hand_out(sent, digest(made.password.hash) if certain else "", "" if certain else UNCERTAIN)

    def ends(self, host: str) -> str:
        """Forgets a password that `host` never got. Returns why one that it got could not be written down."""
        with self._lock:
            if self._made.pop(host, None):
                self._remember(lambda record: _drop(record, host))
            return self._unwritten.pop(host, "")

    def tells(self, host: Host, settings: Settings, outcome: Outcome) -> None:
        """Takes note of what a task has found out about a host."""
        if fingerprint := outcome.state.get("fingerprint"):
            row = sheet.Row(host.label, outcome.url, "", "", host.names[0], settings.profile, str(fingerprint))
            with self._lock:
                self._seen[host.label] = row

    def close(self) -> None:
        """Writes down the passwords of hosts whose end no one waits for, and what is new about the others."""
        for host in list(self._made):
            self.is_set(host, certain=False)
        with self._lock:
            rows, self._seen = list(self._seen.values()), {}
            if not rows:
                return
            self._record = self._record or handed.read(self._file)
            for path in {str(self._to), *(row.sheet for row in self._record.rows)}:
                try:
                    changes = sheet.update(Path(path), rows)
                except OSError:  # the sheet is as right as before
                    continue
                if changes and path != self.path:
                    self.updated.add(path)

    def sees(self, host: Host, settings: Settings, known: str) -> None:
        """Corrects the rows of a host whose hash is `known` now; it has no password if that is empty."""
        with self._lock:
            self._record = self._record or handed.read(self._file)
            here = (host.label, _place(host, settings))
            rows = {row.sheet: row for row in self._record.rows if (row.host, row.place) == here}
            stale = [row for row in rows.values() if row.digest != digest(known)]
            lost = [sent for sent in self._record.sent if (sent.host, sent.place) == here and sent.abandoned]
        # Each takes 0.1 s, so not while other hosts wait.
        for row in stale:
            self._compare(row, known)
        for sent in lost:
            self._recover(sent, known)

    def _compare(self, row: Handed, known: str) -> None:
        texts = sheet.passwords(Path(row.sheet), row.host, row.profile)
        notes = {text: "" if self._fits(row.host, text, known) else _invalid(known) for text in texts}

        def correct(record: Record) -> None:
            if sheet.correct(Path(row.sheet), row.host, row.profile, notes):
                self.corrected.add(row.sheet)
            for one in (*record.rows, row):
                if (one.sheet, one.host, one.place) == (row.sheet, row.host, row.place):
                    one.digest = digest(known)

        with self._lock:
            self._remember(correct)

    def _recover(self, sent: Sent, known: str) -> None:
        """A password of a run that was killed is handed out now, if the host has its hash."""
        fits = self._fits(sent.host, sent.password, known)
        with self._lock:
            if fits:
                self._hand_out(sent, digest(known), "")
            else:
                self._remember(lambda record: _drop(record, sent.host, sent.password))

    def _fits(self, host: str, text: str, known: str) -> bool:
        mine = self._here.get(host)
        try:
            password = mine if mine and mine.reveal() == text else Password(text)
        except UsageError:  # someone has edited the sheet
            return False
        return password.fits(known)

    def _hand_out(self, sent: Sent, known: str, note: str) -> None:
        path = sent.sheet or str(self._to)
        row = Handed(path, sent.host, sent.place, known)

        def handed_out(record: Record) -> None:
            _drop(record, sent.host, sent.password)
            record.rows = [each for each in record.rows if (each.sheet, each.host, each.place) != _key(row)]
            record.rows.append(row)

        try:
            gather(self._file, Path(path), self._order)
            address, _, profile = sent.place.rpartition(" ")
            sheet.add(
                Path(path),
                sheet.Row(sent.host, sent.url, sent.password, note, address, profile),
                order=self._order,
            )
        except OSError as error:
            kept = "the next run writes it" if self._remembers else f"it is {sent.password}"
            self._unwritten[sent.host] = f"its password could not be written to {path} ({error.strerror}); {kept}"
            return
        self.path = path
        self._remember(handed_out)
        if self._record:
            handed_out(self._record)

    def _remember(self, alter: Callable[[Record], None]) -> None:
        """Changes what later runs know. A run goes on without that."""
        try:
            with handed.changed(self._file) as record:
                alter(record)
            self._remembers = True
        except OSError:
            self._remembers = False

    def _sent(self, host: str) -> Sent:
        made = self._made[host]
        return Sent(host, made.place, made.url, made.password.reveal(), os.getpid(), str(self._to))

    def _prompts(self, host: Host) -> bool:
        return host.label in self._typed_for

    def _once(self) -> Password | None:
        """The one password for all, typed when it is first needed; None if no one types one."""
        if not self._asked:
            self._typed = self._console.types_password(QUESTION)
            self._asked = True
            if self._typed:
                _ = self._typed.hash  # made once, for all
        return self._typed


def _place(host: Host, settings: Settings) -> str:
    return f"{host.names[0]} {settings.profile}"


def _drop(record: Record, host: str, password: str = "") -> None:
    """Forgets what this process has made for a host, or that password."""
    record.sent = [
        sent
        for sent in record.sent
        if sent.host != host or (sent.password != password if password else sent.pid != os.getpid())
    ]


def _invalid(known: str) -> str:
    seen = time.strftime("%Y-%m-%d")
    if not known:
        return f"{sheet.DOUBTS[1]}: the host has no password (seen {seen})"
    return f"{sheet.DOUBTS[1]}: another password has been set on the host since (seen {seen})"


def _key(row: Handed) -> tuple[str, str, str]:
    return row.sheet, row.host, row.place


def beside(inventory: Path, what: str = "passwords.csv") -> Path:
    """The file of an inventory for passwords, or for something made of them: it stands beside it."""
    path = Path(os.path.abspath(inventory))
    return path.with_name(f"{path.stem}-{what}")


def gather(record: Path, path: Path, order: Sequence[str] = ()) -> None:
    """Begins a sheet at `path` with what still counts on those of earlier releases, which wrote one for each run.

    Raises OSError.
    """
    if os.path.lexists(path):
        return
    found = []
    for row in handed.read(record).rows:
        if not os.path.basename(row.sheet).startswith("nbfab-passwords-"):
            continue
        address, _, profile = row.place.rpartition(" ")
        with suppress(OSError):
            rows = [each for each in sheet.rows(Path(row.sheet)) if each.host == sheet.cell(row.host) and not each.note]
            found += [sheet.Row(row.host, each.url, each.password, "", address, profile) for each in rows[-1:]]
    if found:
        sheet.add(path, *found, order=order)


def given_password(host: InventoryHost, *, new: bool = False) -> Password | None:
    """The password that an inventory gives a host by `password_env` or `password_hash`.

    Raises UsageError if that is no password, or if a `new` one is to be made: the next setup would undo that.
    """
    key, value = host.password
    if key not in ("password_env", "password_hash"):
        return None
    if new:
        raise host.place.error(
            f"--new makes no password for {host.name}: {key} gives it one", "set it: password: generate"
        )
    if key == "password_hash":
        return Password(known=value)
    text = os.environ.get(value, "")
    if not text:
        raise host.place.error(f"{value}, which holds the password of {host.name}, is not set", f"set {value}")
    try:
        return Password(text)
    except UsageError as error:
        raise host.place.error(f"{value}, which holds the password of {host.name}: {error}", f"set {value}") from None
