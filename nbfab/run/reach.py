"""Whether a notebook server can be reached from this machine."""

import http.client
import socket
import ssl

from nbfab.run import own

SECONDS = 3  # a server that answers at all does so at once; a firewall may say nothing forever


def reach(host: str, port: int, certificate: str) -> str:
    """Why an HTTPS GET of `/api` from here, verified against `certificate` (PEM), fails; empty if it succeeds."""
    try:
        context = ssl.create_default_context(cadata=certificate)  # and no authority's, which take 30 ms to load
        if mine := own.file():
            context.load_cert_chain(mine)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # one that an authority has issued counts by itself, too
        connection = http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)
        connection.request("GET", "/api")
        answer = connection.getresponse()
        return "" if answer.status == 200 else f"GET /api answers {answer.status}"
    except TimeoutError:
        return f"no answer in {SECONDS} seconds"
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not the one that nbfab made: {error.verify_message}"
    except socket.gaierror:
        return f"{host} is not a name that this machine knows"
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
