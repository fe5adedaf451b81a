"""Whether a notebook server can be reached from this machine."""

import http.client
import socket

from nbfab.run import identity
from nbfab.tunnel.proven import Another, Proven

SECONDS = 3  # a server that answers at all does so at once; a firewall may say nothing forever


def reach(host: str, port: int, certificate: str, *, presents: bool = False) -> str:
    """Why an HTTPS GET of `/api` from here, of a server with that `certificate` (PEM), fails; empty if it succeeds.

    If it `presents` our own certificate, which names user and machine, whatever answers there gets that.
    """
    try:
        connection = Proven(host, port, certificate, SECONDS, client=identity.file() if presents else "")
        connection.request("GET", "/api")
        answer = connection.getresponse()
        return "" if answer.status == 200 else f"GET /api answers {answer.status}"
    except TimeoutError:
        return f"no answer in {SECONDS} seconds"
    except Another:
        return "another certificate is there than the profile's"
    except socket.gaierror:
        return f"{host} is not a name that this machine knows"
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
