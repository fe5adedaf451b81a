"""Passwords: which are acceptable, their hashes, and new ones."""

import base64
import os
import secrets
import threading
import unicodedata
from functools import cached_property

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from nbfab.errors import UsageError
from nbfab.settings import is_hash

SHORTEST = 12  # characters: a server answers 20 guesses a second, forever

# Several at once fail with MemoryError: OpenSSL has one thread pool for the lanes of all of them (cryptography 50).
_ONE_AT_A_TIME = threading.Lock()


class Password:
    """A password in memory, or only its hash; `repr` shows neither.

    Raises UsageError if it is too short to face the internet, or cannot be typed into a form.
    """

    def __init__(self, text: str = "", *, known: str = "", generated: bool = False) -> None:
        self.generated = generated
        self._fits: dict[str, bool] = {}  # many hosts may share a hash, and verifying it takes 0.1 s
        # Browsers send what the keyboard produces, which is NFC nearly everywhere; the server compares bytes.
        self._text = unicodedata.normalize("NFC", text)
        if known:
            if not is_hash(known):
                raise UsageError(
                    "a password hash must be in the form that `jupyter server password` writes: argon2:$argon2id$..."
                )
            self.hash = known
        elif len(self._text) < SHORTEST:
            raise UsageError(f"a password must have at least {SHORTEST} characters")
        elif not self._text.isprintable():
            raise UsageError("a password must not contain control characters, such as a line end")
        elif self._text != self._text.strip():
            # tornado's get_argument strips what the login form sends, so such a password could never log in.
            raise UsageError("a password must not begin or end with a blank: Jupyter's login form would drop it")

    def __repr__(self) -> str:
        return "Password(...)"

    @cached_property
    def hash(self) -> str:
        """Its argon2id hash with the costs that jupyter_server itself uses (jupyter_server/auth/security.py)."""
        kdf = Argon2id(salt=os.urandom(16), length=32, iterations=10, lanes=8, memory_cost=10240)
        with _ONE_AT_A_TIME:
            return "argon2:" + kdf.derive_phc_encoded(self._text.encode())

    def fits(self, known: str) -> bool:
        """Whether the hash `known` is this password's."""
        if self.__dict__.get("hash") == known:
            return True
        if not self._text or not is_hash(known):
            return False
        with _ONE_AT_A_TIME:
            if known not in self._fits:
                try:
                    Argon2id.verify_phc_encoded(self._text.encode(), known.removeprefix("argon2:"))
                    self._fits[known] = True
                except (InvalidKey, ValueError):
                    self._fits[known] = False
            return self._fits[known]

    def reveal(self) -> str:
        """The password itself, for the one line that shows a generated one."""
        return self._text


def generate() -> Password:
    """A password of 100 bits, in 20 characters that are hard to mistake for one another."""
    text = base64.b32encode(secrets.token_bytes(13)).decode().lower()[:20]
    return Password("-".join(text[at : at + 5] for at in range(0, 20, 5)), generated=True)
