"""Ports: those of a user's cluster on one host, so that a firewall can be opened for them."""

from collections.abc import Collection

from nbfab.records import dataclass

FIRST, LAST = 10_000, 32_000  # below those that Linux gives to connections (ip(7), ip_local_port_range)
EACH = 64  # ports of a user
MOST = EACH // 2 - 1  # workers on one host
_BLOCKS = (LAST - FIRST) // EACH


@dataclass(frozen=True)
class Ports:
    """From `first` on: the scheduler's, the workers', the nannies', and on loopback the dashboard's."""

    first: int

    @property
    def scheduler(self) -> int:
        return self.first

    def workers(self, count: int) -> tuple[int, int]:
        """The first and the last of one for each worker."""
        return self.first + 1, self.first + count

    def nannies(self, count: int) -> tuple[int, int]:
        """The first and the last of one for each nanny, which starts its worker and keeps it running."""
        return self.first + EACH // 2, self.first + EACH // 2 + count - 1

    @property
    def open(self) -> tuple[int, int]:
        """The first and the last of those that the other hosts connect to."""
        return self.first, self.first + EACH - 2

    @property
    def dashboard(self) -> int:
        return self.first + EACH - 1


def choose(uid: int, taken: Collection[int]) -> Ports:
    """The ports of a user, or the next ones after them if something else listens at one.

    Raises ValueError if all are taken.
    """
    for number in range(_BLOCKS):
        first = FIRST + (uid + number) % _BLOCKS * EACH
        if not any(first <= port < first + EACH for port in taken):
            return Ports(first)
    raise ValueError(f"no {EACH} ports in a row are free from {FIRST} to {LAST}")
