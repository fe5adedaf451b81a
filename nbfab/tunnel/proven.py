"""A connection to the server that has a certificate, whatever that certificate is like."""

from __future__ import annotations

import http.client
import socket
import ssl

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class Another(ConnectionError):
    """The server has another certificate."""


class Proven(http.client.HTTPSConnection):
    """Sends nothing until the server has shown the certificate that is first in a PEM, byte for byte.

    So it does not matter who has issued that, for which names and until when; the handshake proves that the server has
    its key. `address` is where to connect to, if `name` is not; `client` is a file with what we present, if the server
    asks for that. Raises ValueError if the PEM has no certificate, and OSError for a `client` that cannot be read;
    connecting raises Another.
    """

    def __init__(
        self, name: str, port: int, certificate: str, seconds: float, address: str = "", client: str = ""
    ) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        if client:
            self._tls.load_cert_chain(client)
        super().__init__(name, port, timeout=seconds, context=self._tls)
        self._leaf, self._address, self._seconds = leaf(certificate), address or name, seconds

    def connect(self) -> None:
        """Also where http.client connects again by itself."""
        plain = socket.create_connection((self._address, self.port), self._seconds)
        try:
            sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        if sock.getpeercert(binary_form=True) != self._leaf:
            sock.close()
            raise Another("it has another certificate")
        self.sock = sock


def leaf(pem: str) -> bytes:
    """The first certificate in a PEM (DER). Raises ValueError if there is none."""
    body, end, _ = pem.partition(_BEGIN)[2].partition(_END)
    if not end:
        raise ValueError("there is no certificate")
    found = ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{body}{_END}")
    if not found.startswith(b"\x30"):  # a SEQUENCE, as each is
        raise ValueError("that is no certificate")
    return found
