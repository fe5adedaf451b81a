"""A notebook server as a browser meets it: over TLS, with its login form and its cookies."""

import base64
import contextlib
import json
import re
import secrets
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import websocket

PATIENCE = 120  # seconds for a kernel to start, and to run what it is sent


class Notebook:
    """A client of the server at `port` of `host`, which trusts the certificate in the profile's `folder` and no other.

    If that certificate is not `dated` by the clock of this machine, it is trusted at any time.
    """

    def __init__(
        self, port: int, folder: Path, password: str = "", *, dated: bool = True, host: str = "127.0.0.1"
    ) -> None:
        self.base = f"https://{host}:{port}"
        self._host = host
        self.cookies = CookieJar()
        self.folder = folder
        self._tls = ssl.create_default_context(cafile=str(folder / "nbserver.pem"))
        self._tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # one that an authority has issued counts by itself
        if not dated:
            self._tls.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=self._tls),
            urllib.request.HTTPCookieProcessor(self.cookies),
        )
        if password:
            assert self.logs_in(password), f"{self.base} does not take the password {password!r}"

    @property
    def _xsrf(self) -> str:
        return next(str(cookie.value) for cookie in self.cookies if cookie.name == "_xsrf")

    def logs_in(self, password: str) -> bool:
        """Whether the login form takes the password."""
        self.opener.open(f"{self.base}/login", timeout=60).read()
        form = urllib.parse.urlencode({"password": password, "_xsrf": self._xsrf}).encode()
        try:
            self.opener.open(f"{self.base}/login", form, timeout=60).read()
            self.get("/api/status")
        except urllib.error.HTTPError as error:
            if error.code not in (401, 403):
                raise
            return False
        return True

    def get(self, path: str) -> Any:
        """What the API answers."""
        return json.load(self.opener.open(f"{self.base}{path}", timeout=60))

    def post(self, path: str, body: Any) -> Any:
        """What the API answers to a body of JSON; None if that is nothing."""
        return json.loads(self._sends("POST", path, body) or "null")

    def put(self, path: str, body: Any) -> Any:
        """As `post`, by another method."""
        return json.loads(self._sends("PUT", path, body))

    def delete(self, path: str) -> None:
        """Ends or removes what is at a path of the API."""
        self._sends("DELETE", path, {})

    def _sends(self, method: str, path: str, body: Any) -> str:
        headers = {"X-XSRFToken": self._xsrf, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base}{path}", json.dumps(body).encode(), headers, method=method)
        return str(self.opener.open(request, timeout=60).read().decode())

    def websocket(self, kernel: str) -> websocket.WebSocket:
        """A connection to a kernel, as a page has it open."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)
        return websocket.create_connection(
            f"{self.base.replace('https', 'wss')}/api/kernels/{kernel}/channels",
            timeout=60,
            cookie=cookies,
            sslopt={"context": self._tls},
            http_no_proxy=[self._host],
        )

    def evaluates(self, kernel: str, expression: str, code: str = "") -> str:
        """What a kernel makes of an expression, once it has run the code; asked for over a websocket."""
        *_, reply = self._messages(kernel, expression, code)
        return str(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])

    def plot(self) -> bytes:
        """The picture, as PNG, of a plot that a new kernel of the profile draws."""
        kernel = self.post("/api/kernels", {"name": "nbserver"})["id"]
        code = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 4, 9, 16])"
        messages = [reply["content"] for reply in self._messages(kernel, "1", code)]
        pictures = [shown["data"]["image/png"] for shown in messages if "image/png" in shown.get("data", ())]
        assert pictures, messages
        return base64.b64decode(pictures[0])

    def _messages(self, kernel: str, expression: str, code: str) -> Iterator[dict[str, Any]]:
        """What a kernel sends while it runs the code; its reply comes last."""
        message = execute_request(code, store_history=False, user_expressions={"it": expression})
        last: dict[str, Any] = {}
        end, idle = time.monotonic() + PATIENCE, False
        with contextlib.closing(self.websocket(kernel)) as socket:
            socket.send(json.dumps(message))
            while not (idle and last):
                reply = _received(socket, end)
                if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                    continue
                idle = idle or reply["content"].get("execution_state") == "idle"
                if reply["msg_type"] == "execute_reply":
                    last = reply
                else:
                    yield reply
        yield last


def execute_request(code: str, **content: Any) -> dict[str, Any]:
    """What a page sends to have a kernel run code.

    It names the version of the protocol, as every page does: to a kernel it is of version 4 otherwise, unless the
    server has put that right, as Jupyter Server does and notebook 6 does not; and ipykernel 7 drops it.
    """
    names = {"msg_id": secrets.token_hex(8), "session": "x", "username": "x"}
    header = {**names, "msg_type": "execute_request", "version": "5.3"}
    content = {"code": code, "silent": False, "user_expressions": {}, **content}
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}


def _received(socket: websocket.WebSocket, end: float) -> dict[str, Any]:
    """The next message of a kernel; the server's pings, which come all the time, do not count as one."""
    while True:
        kind, data = socket.recv_data(control_frame=True)
        assert time.monotonic() < end, f"the kernel has not done it in {PATIENCE} seconds"
        if kind in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY):
            return dict(json.loads(data))
        assert kind != websocket.ABNF.OPCODE_CLOSE, "the server has closed the websocket"


def asks_for_a_password_alone(port: int, folder: Path) -> bool:
    """Whether the login page asks for a password, and says nothing of a token."""
    page = Notebook(port, folder)
    text = page.opener.open(f"{page.base}/login", timeout=60).read().decode()
    return "Password:" in text and "oken" not in re.sub(r"(?s)<script.*?</script>|<input[^>]*>", "", text)


def logs_in(port: int, folder: Path, password: str) -> bool:
    """Whether a browser that was never there logs in with the password."""
    return Notebook(port, folder).logs_in(password)


def is_cut(connection: socket.socket | None) -> bool:
    """Whether the server has hung up by now; whatever it has sent before is read."""
    assert connection
    connection.settimeout(0.5)
    with contextlib.suppress(ConnectionResetError):
        try:
            while connection.recv(65536):
                pass
        except TimeoutError:
            return False
    return True
