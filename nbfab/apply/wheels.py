"""Sending a folder of this machine to a host, as one tar on standard input."""

from collections.abc import Callable

from nbfab.errors import ConnectError, HostError
from nbfab.fix import Fix
from nbfab.host import Feed, Host, run
from nbfab.look.fact import LINE
from nbfab.plan.left import RECORDED
from nbfab.program import Record, call, render
from nbfab.wheels.parcel import Parcel
from nbfab.wheels.target import Target

FILES = ("look/json", "look/look", "apply/write", "apply/wheels")
SILENCE = 60  # seconds; the host says every two that it is there
WHOLE = 6 * 3600  # seconds in all, for a link that is slow
_ROOM: Fix = ("make room on that disk",)


def check_room(target: Target, *parcels: Parcel) -> None:
    """Raises HostError if the host has no room for them and what is in them."""
    takes = sum(parcel.room for parcel in parcels)
    if takes > target.room:
        what = f"its packages take {_mb(takes)} there, and {_mb(target.room)} are free"
        raise HostError(f"its disk is too full: {what}", *_ROOM)


def send(host: Host, parcel: Parcel, hears: Callable[[str], None]) -> None:
    """Sends a parcel; `hears` gets how much has arrived.

    It is there whole afterwards, or not at all. Raises HostError or ConnectError.
    """
    refused: list[str] = []
    size = parcel.size

    def receive(record: Record) -> None:
        arrived, reason = record.get("arrived"), record.get("refused")
        if type(arrived) is int:
            hears(f"{min(arrived * 1024, size) / 1e6:.0f} of {_mb(size)}")
        elif isinstance(reason, str):
            refused.append(" ".join(reason[-LINE:].split()))

    program = render(FILES, [call("receive_parcel", parcel=parcel.name, recorded=" ".join(RECORDED))], fed=True)
    try:
        run(host, program, receive, SILENCE, "sending packages", whole=WHOLE, feed=Feed(parcel.chunks()))
    except ConnectError as error:
        raise ConnectError(f"{error}, while packages were sent", *error.fix, jump=error.jump) from None
    if refused:
        fix = _ROOM if "No space left" in refused[0] or "quota" in refused[0] else ("run it again",)
        raise HostError(f"what was sent to it was not kept: {refused[0]}", *fix)


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
