"""The key of a certificate: fetched from its host, in an exec of its own."""

from contextlib import suppress

from nbfab.errors import HostError
from nbfab.host import Host, run
from nbfab.keys import Key
from nbfab.look.look import SILENCE
from nbfab.program import Record, call, render

FILES = ("look/look", "apply/key")


def fetch(host: Host, profile: str, certificate: str) -> Key | None:
    """The key in a PEM of the profile, None if none comes that can be read. Raises HostError or ConnectError.

    Where the host stops midway, an error of `run` quotes what it printed last, which may be a part of the key: such an
    error goes no further, not even as the context of another.
    """
    records: list[Record] | None = None
    program = render(FILES, [call("tell_key", profile=profile, certificate=certificate)])
    with suppress(HostError):
        records = run(host, program, lambda _: None, SILENCE, "fetching a key", whole=2 * SILENCE)
    if records is None:
        raise HostError("the key of its certificate could not be fetched, so nothing was changed", "run it again")
    told = next((text for record in records if isinstance(text := record.get("key"), str)), "")
    return Key.load(told)
