"""How much of a request the server reads."""

import http.client
import json

from notebook_servers import FIRST, Browser, Server

from nbfab.server.bodies import MOST


def sent(server: Server, size: int) -> bool:
    """Whether the server takes a form of that size from someone who is not logged in."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("POST", f"{server.base}login", b"a=1&" * (size // 4))
        return connection.getresponse().status != 400
    except OSError:
        return False
    finally:
        connection.close()


def test_a_stranger_sends_no_more_than_a_form(guarded: Server) -> None:
    assert sent(guarded, MOST)
    assert not sent(guarded, MOST + 4)
    assert not sent(guarded, 100 * MOST)


def test_who_is_logged_in_uploads_a_file(guarded: Server) -> None:
    browser = Browser(guarded)
    assert browser.logs_in(FIRST)
    model = {"type": "file", "format": "text", "content": "x" * 30 * MOST}
    headers = {"X-XSRFToken": browser.cookies["_xsrf"], "Content-Type": "application/json"}
    assert browser.request("PUT", "/api/contents/big.txt", json.dumps(model), headers).status == 201
