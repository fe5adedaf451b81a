"""Notebook servers that run the module `nbfab.server`, without nbfab around them, and a browser for them."""

import http.client
import json
import os
import ssl
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from argon2 import PasswordHasher
from machine import ROOT, remove_ipc
from sshd import free_port, wait_until
from websocket import WebSocket, create_connection

FIRST, SECOND = "canary horse battery", "another horse battery "  # a blank at its end counts
TOKEN = "c0ffee" * 10
LIMIT = 0.6  # seconds of silence after which this server closes a websocket; 90 for others
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # a test is no guesser
SETTINGS = f"""\
import sys
sys.path.insert(0, {{folder!r}})
sys.dont_write_bytecode = True
import nbfab_server

c = get_config()
app = c.NotebookApp if {{classic}} else c.ServerApp
app.ip = {{ip!r}}
app.port = {{port}}
app.port_retries = 0
app.open_browser = False
app.allow_root = True
app.base_url = {{base!r}}
app.extra_template_paths = [{{folder!r}} + "/templates"]  # where a test may put some
app.trust_xheaders = True  # so that a test comes from any address it likes
app.tornado_settings = {{{{"ws_ping_interval": {LIMIT * 1000 / 3}, "ws_ping_timeout": {LIMIT * 1000}}}}}
(c.NotebookApp if {{classic}} else c.IdentityProvider).token = {TOKEN!r}
c.PasswordIdentityProvider.password_required = True
{{more}}
{{guard}}
"""


@dataclass
class Kind:
    """A server: the Python that has it, and whether it is notebook 6."""

    python: str
    classic: bool
    pings_kernels: bool = True


class Server:
    """A server of a kind, at a free port of loopback. Without a `guard` it is as it comes.

    With the path of a `certificate`, which has its key with it, it speaks https; with that of a `client`'s, it admits
    no one without. `more` are lines for its settings.
    """

    def __init__(
        self,
        folder: Path,
        kind: Kind,
        *,
        base: str = "/",
        ip: str = "127.0.0.1",
        guard: bool = True,
        certificate: str = "",
        client: str = "",
        more: str = "",
    ) -> None:
        self.folder, self.kind, self.base = folder, kind, base
        self.port = free_port()
        self.certificate, self.client = certificate, client
        files = {"certfile": certificate, "client_ca": client}
        more += "".join(f"\napp.{trait} = {path!r}" for trait, path in files.items() if path)
        self.log = folder / "server.log"
        self.settings = folder / "jupyter_server_config.py"
        folder.mkdir(exist_ok=True)
        (folder / "nbfab_server").symlink_to(ROOT / "nbfab" / "server")
        configure = f"nbfab_server.configure{'_classic' if kind.classic else ''}(c, {str(folder)!r})"
        self.settings.write_text(
            SETTINGS.format(
                folder=str(folder),
                classic=kind.classic,
                ip=ip,
                port=self.port,
                base=base,
                guard=configure if guard else "",
                more=more,
            )
        )
        self.set_password(FIRST)
        if guard:  # as set up: a template that is only put there later is not found by a server that has used its own
            (folder / "templates").mkdir(exist_ok=True)
            (folder / "templates/login.html").write_text('{% extends "templates/login.html" %}\n')
        if client:
            (folder / "clients.pem").write_text(Path(client).read_text())
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        keep = {"PATH", "LANG", "TMPDIR"}
        env = {name: value for name, value in os.environ.items() if name in keep}
        env |= {name: str(self.folder / name) for name in ("HOME", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
        app = "notebook" if self.kind.classic else "jupyter_server"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [self.kind.python, "-m", app, f"--config={self.settings}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env | {"TRAITLETS_APPLICATION_RAISE_CONFIG_FILE_ERROR": "1"},
                cwd=self.folder,
            )
        try:
            wait_until(self._answers, seconds=60, what=f"the server's answer; see {self.log}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it, with its kernels."""
        self.process.terminate()
        self.process.wait(60)
        remove_ipc(self.folder)

    def set_password(self, password: str, hasher: PasswordHasher = CHEAP) -> None:
        """Puts the hash of a password into place, as nbfab does."""
        section, trait = ("NotebookApp", "password") if self.kind.classic else ("IdentityProvider", "hashed_password")
        self.write(json.dumps({section: {trait: f"argon2:{hasher.hash(password)}"}}))

    def write(self, text: str) -> None:
        """Puts a file in the place of that with the hash."""
        new = self.folder / "new"
        new.touch(0o600)
        new.write_text(text)
        new.replace(self.hash_file)

    @property
    def hash_file(self) -> Path:
        """The file with the hash."""
        return self.folder / "jupyter_server_config.json"

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it; only a `certificate` that it is known to have is trusted."""
        if not self.certificate:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        context = ssl.create_default_context(cafile=self.certificate)
        if self.client:
            context.load_cert_chain(self.client)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)

    def ask(self, path: str, method: str = "GET") -> Any:
        """What it answers to its own token, by JSON."""
        return Browser(self).json(method, path, headers={"Authorization": f"token {TOKEN}"})

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return Browser(self).request("GET", "/api").status == 200
        except OSError:
            return False


@dataclass
class Answer:
    """What a server answers."""

    status: int
    headers: http.client.HTTPMessage
    text: str


@dataclass
class Browser:
    """A browser at an `address`, by a proxy's word for it; without one it is that of this user, on this machine."""

    server: Server
    address: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def request(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Asks for a path below the server's own."""
        connection = self.server.connect()
        connection.request(
            method, self.server.base.rstrip("/") + path, body and body.encode(), self._headers() | dict(headers or {})
        )
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        return Answer(answer.status, answer.headers, text)

    def log_in(self, password: str, after: str = "") -> Answer:
        """Sends the login form, as it is shown."""
        self.request("GET", "/login")
        form = urlencode({"password": password, "_xsrf": self.cookies["_xsrf"]})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", f"/login?{urlencode({'next': after})}" if after else "/login", form, kind)

    def logs_in(self, password: str) -> bool:
        """Whether the form takes the password."""
        status = self.log_in(password).status
        assert status in (302, 401)
        return status == 302

    @property
    def is_in(self) -> bool:
        """Whether the server lets it in."""
        status = self.request("GET", "/api/kernels").status
        assert status in (200, 403)
        return status == 200

    def json(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """What the API answers."""
        sent = {"X-XSRFToken": self.cookies.get("_xsrf", ""), "Content-Type": "application/json"} | dict(headers or {})
        answer = self.request(method, path, None if body is None else json.dumps(body), sent)
        assert answer.status < 300, answer
        return json.loads(answer.text)

    def websocket(self, path: str) -> WebSocket:
        """Opens a websocket. It answers pings while it is read from, and at no other time."""
        scheme = "wss" if self.server.certificate else "ws"
        url = f"{scheme}://127.0.0.1:{self.server.port}{self.server.base.rstrip('/')}{path}"
        return create_connection(
            url,
            timeout=60,
            header=[f"{name}: {value}" for name, value in self._headers().items()],
            sslopt={"ca_certs": self.server.certificate} if self.server.certificate else None,
        )

    @cached_property
    def kernel(self) -> str:
        """A new kernel of its own."""
        return str(self.json("POST", "/api/kernels", {})["id"])

    def channels(self, kernel: str = "") -> WebSocket:
        """A websocket to a kernel; its own, if none is named."""
        return self.websocket(f"/api/kernels/{kernel or self.kernel}/channels?session_id={uuid.uuid4().hex}")

    def _headers(self) -> dict[str, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        return headers | ({"X-Real-Ip": self.address} if self.address else {})


def run(channels: WebSocket, code: str) -> str:
    """What a kernel shows as the result of an expression."""
    return result(channels, send(channels, code))


def send(channels: WebSocket, code: str) -> str:
    """Has a kernel run that; the request's id."""
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "user_expressions": {}}
    return ask(channels, "shell", "execute_request", content)


def ask(channels: WebSocket, channel: str, kind: str, content: Mapping[str, object] | None = None) -> str:
    """Sends a kernel a request; its id."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": "s", "username": "u", "version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content or {}, "channel": channel}
    channels.send(json.dumps(message))
    return header["msg_id"]


def result(channels: WebSocket, request: str) -> str:
    """What a kernel shows as the result of a request, once it has ended."""
    end, shown, done = time.monotonic() + 60, "", False
    while not done:
        assert time.monotonic() < end
        answer = json.loads(channels.recv())
        if answer["parent_header"].get("msg_id") == request:
            shown = answer["content"].get("data", {}).get("text/plain", shown)
            done = answer["content"].get("execution_state") == "idle"
    return shown
