"""Wanted: everything that a plan follows from, besides what was seen on the host."""

from dataclasses import field

from nbfab.authority.authority import Authority
from nbfab.authority.signer import Signer
from nbfab.cluster.member import Member
from nbfab.keys import Key
from nbfab.own.own import Own
from nbfab.passwords import Password
from nbfab.records import dataclass
from nbfab.requirements.requirements import Requirements
from nbfab.resolution import Resolution
from nbfab.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """What one server should be, and how the user wants to get there.

    `names` are those that people reach the host by: what was given to -H, and its HostName. `now` is this machine's
    clock, in seconds since the epoch. Without a `password` the host keeps the one it has. The certificate gets the
    `key` that is here, if any, and is no longer for the names in `drops`. `authorities` are
    the user's, the oldest first, `issued` the names of the last certificate that one of them has issued to the host,
    and `signer` the one that signs, if its key is here. `own` is a certificate of the user's own, to be put in place;
    with `reissue`, nbfab makes one in place of one that it did not make. `restart` allows a restart that ends
    kernels. `resets` are options that go back to their defaults, whatever the profile has; for a host that is in an
    `inventory`, so do those that were chosen in that one and no longer are; it is named by its mark. In the
    `foreground` the server is not started in tmux. With `as_found`, no environment is made where one was found that
    can serve. `client` is the certificate (PEM) that this user's nbfab presents to the server, if it is to have one.
    `requirements` are those of the file that the settings name, and `resolution` what they come to on the host. An
    `update` gets the newest of them; with `exact`, nothing that was installed by hand is carried over. `env` is the
    environment to go back to, if it still is there. `renewed` are other versions of the server itself that the run
    brings, and for which it is restarted.
    `seconds` is how long a server may take to become ready. With `relay`, what `open` needs there is to run, and as a
    member of a `cluster`, what that one has; for tasks on clusters, it is looked which `members` run, and what these
    depend on. In a `brief` look the server is not asked. `removing` is whether all of it is to be removed, and
    `linger_off` whether lingering is then turned off as well. For the `doctor`, more is looked at, and for `kernels`
    what they take; so are what is `around` the server, and the `others` that nbfab did not start, of which the one at
    the port `at` is meant, and all `environments` there.

    Once it is settled which settings count, `given` are those of this run alone, and `kept` the options that were
    chosen for the profile before.
    """

    settings: Settings = field(default_factory=Settings)
    names: tuple[str, ...] = ()
    now: float = 0.0
    password: Password | None = None
    key: Key | None = None
    drops: tuple[str, ...] = ()
    authorities: tuple[Authority, ...] = ()
    issued: tuple[str, ...] = ()
    signer: Signer | None = None
    own: Own | None = None
    reissue: bool = False
    restart: bool = False
    resets: tuple[str, ...] = ()
    inventory: str = ""
    given: Settings | None = None
    kept: frozenset[str] = frozenset()
    foreground: bool = False
    as_found: bool = False
    client: str = ""
    requirements: Requirements | None = None
    resolution: Resolution | None = None
    update: bool = False
    exact: bool = False
    env: str = ""
    renewed: tuple[str, ...] = ()
    seconds: int = 60
    relay: bool = False
    cluster: Member | None = None
    members: bool = False
    brief: bool = False
    removing: bool = False
    linger_off: bool = False
    doctor: bool = False
    around: bool = False
    others: bool = False
    at: int = 0
    kernels: bool = False
    environments: bool = False
