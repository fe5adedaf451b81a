"""The token of a server: fetched from its host, in an exec of its own."""

from contextlib import suppress

from nbfab.errors import HostError
from nbfab.host import Host, run
from nbfab.look.look import SILENCE
from nbfab.program import Record, call, render

FILES = ("look/look", "apply/token")
_LONGEST = 200


class Token:
    """A secret with which the server takes its owner for logged in; it has no repr."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The token itself."""
        return self._text


def fetch(host: Host, profile: str) -> Token | None:
    """The token of the profile's running server; None if none comes. Raises ConnectError.

    What the host prints last may be a part of it, so an error that quotes that goes no further.
    """
    return _fetched(host, call("tell_token", profile=profile))


def fetch_from(host: Host, note: str) -> Token | None:
    """The token in the runtime file of a Jupyter server, by its path; as `fetch`."""
    return _fetched(host, call("tell_noted", note=note))


def _fetched(host: Host, tells: str) -> Token | None:
    records: list[Record] = []
    with suppress(HostError):
        program = render(FILES, [tells])
        records = list(run(host, program, lambda _: None, SILENCE, "fetching a token", whole=2 * SILENCE))
    text = next((text for record in records if isinstance(text := record.get("token"), str)), "")
    return Token(text) if text.isascii() and 0 < len(text) < _LONGEST else None
