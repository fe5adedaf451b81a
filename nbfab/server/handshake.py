"""The beginning of TLS, which reads the certificate and then its key from a file that may be replaced meanwhile."""

from __future__ import annotations

import ssl
from typing import Callable

TRIES = 3  # to read a certificate that matches its key
# What OpenSSL says of a key that is another certificate's: of the same kind, or of another one such as RSA and EC.
MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


def go_on(stock: Callable[[], None]) -> None:
    """Hands a connection to TLS; again, if the key was another certificate's: the connection is as it was."""
    for _ in range(TRIES):
        try:
            return stock()
        except ssl.SSLError as error:
            if error.reason not in MISMATCHES:
                raise
    return stock()
