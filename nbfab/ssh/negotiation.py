"""Negotiation: why a host and ssh_config have no algorithm in common, which of the two lacks what, and what to add."""

from collections.abc import Mapping, Sequence

from nbfab.errors import ConnectError, Incompatible
from nbfab.fix import there
from nbfab.ssh.route import Route
from nbfab.ssh.transport import OPTIONS, common, supported

_KINDS = {"kex": "key exchange", "key_algorithms": "type of host key", "ciphers": "cipher", "macs": "MAC"}


def mismatch(route: Route, offers: Mapping[str, Sequence[str]]) -> ConnectError | None:
    """The error for the first kind of algorithm that leaves no choice; None if there is a choice of each.

    `offers` are the host's. It is Incompatible if OpenSSH's own client would have found one.
    """
    for name, kind in _KINDS.items():
        theirs, known = offers.get(name, ()), supported()[name]
        allowed = getattr(route, name)
        ours = common(allowed, known)
        if not theirs or set(ours) & set(theirs):
            continue
        option, missing = OPTIONS[name], [each for each in known if each in theirs]
        said = f"no {kind} in common: the host offers {', '.join(theirs)}; "
        if missing:  # only ssh_config is in the way
            said += f"ssh_config ({option}) allows {', '.join(allowed)}"
            return ConnectError(said, f"in ssh_config: {option} +{missing[0]}")
        said += f"nbfab has {', '.join(ours)}"
        on_host = f"on the host, add to its sshd_config: {option} +{ours[0]}"
        kind_of_error = Incompatible if set(allowed) & set(theirs) else ConnectError
        return kind_of_error(said, there("sudo ssh-keygen -A") if name == "key_algorithms" else on_host)
    return None
