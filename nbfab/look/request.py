"""Request: what to look at."""

from nbfab.records import dataclass
from nbfab.settings import Settings


@dataclass(frozen=True)
class Left:
    """What to look for where a profile is to be removed.

    `places` are folders in the profile's, of whose `trees` nothing more is told; `records` are files there that name a
    socket elsewhere, and `traces` places in the home folder where an earlier release may have left something.
    """

    places: tuple[str, ...]
    trees: tuple[str, ...]
    records: tuple[str, ...]
    traces: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """What to look at: the server that `settings` describe, and the managed `paths` in its profile's folder.

    The `settings` in `firm` count; others give way to what the profile has, unless that is `forgotten`: an option, or
    OPTION/SOURCE. The values of options that it `adds` are more than those that the profile has, and not instead.

    The facts include the text of the paths in `texts`, of `certificate`, a PEM, and others like it in `clients` only
    the certificate in it, and of the Python files in the folders `modules` the checksums; whether the relay of the name
    `relay` runs, which `members` of a cluster do, and what the Python in the specification `kernel` has for them, what
    is `left`, what is `around` the server, the `others` that nbfab did not start, with what ending the one at the port
    `at` would end, what `kernels` take, all `environments` that are there, the `releases` of what makes a new one, and
    what only the `doctor` looks at, if that is asked for. Unless the `server` is to be asked, its answer is not among
    them.
    """

    settings: Settings
    firm: frozenset[str] = frozenset()
    forgotten: tuple[str, ...] = ()
    adds: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    certificate: str = ""
    clients: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    relay: str = ""
    members: bool = False
    kernel: str = ""
    left: Left | None = None
    doctor: bool = False
    around: bool = False
    others: bool = False
    at: int = 0
    kernels: bool = False
    environments: bool = False
    releases: bool = False
    server: bool = True
