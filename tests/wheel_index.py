"""An index of packages of the tests' own, over HTTP on loopback, where a host in another network does not reach it."""

import base64
import hashlib
import http.server
import io
import sysconfig
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

VERSION = "9.9"
NEEDS: Mapping[str, tuple[str, ...]] = {
    "notebook": ("jupyter_server", "ipykernel"),
    "jupyter_server": (),
    "ipykernel": (),
    "matplotlib": (),
    "extra": ("part",),
    "jupytext": ("part",),  # of the server
    "part": (),
}
# As much of a kernel, and of what starts one, as says that it is there.
KERNEL: Mapping[str, bytes] = {
    "ipykernel_launcher.py": b"",
    "jupyter_client/__init__.py": b"",
    "jupyter_client/connect.py": b"def write_connection_file(file, **about):\n    return file, {}\n",
    "jupyter_client/blocking.py": b"""
class BlockingKernelClient:
    def __init__(self, connection_file): pass
    def load_connection_file(self): pass
    def start_channels(self): pass
    def wait_for_ready(self, timeout): pass
    def stop_channels(self): pass
""",
}


def wheel(
    name: str, needs: tuple[str, ...] = (), *, tag: str = "py3-none-any", more: Mapping[str, bytes] = {}
) -> bytes:
    """A wheel with a module of one line, and `more` files."""
    info = f"{name}-{VERSION}.dist-info"
    about = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}", *(f"Requires-Dist: {need}" for need in needs)]
    files = {
        f"{name}/__init__.py": f"IT = {name!r}\n".encode(),
        f"{info}/METADATA": "\n".join(about).encode() + b"\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        **more,
    }
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for path, text in files.items()
    ]
    files[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"]).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return packed.getvalue()


def metadata(file: str, text: bytes) -> bytes:
    """What a wheel says of itself."""
    if not zipfile.is_zipfile(io.BytesIO(text)):
        name, version, _ = file.split("-", 2)
        return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    with zipfile.ZipFile(io.BytesIO(text)) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")))


def pip_of_python() -> Path:
    """The wheel of pip that Python brings along, so that the pip of an environment stays the same."""
    places = (sysconfig.get_config_var("WHEEL_PKG_DIR"), f"{sysconfig.get_path('stdlib')}/ensurepip/_bundled")
    return next(file for place in filter(None, places) for file in sorted(Path(place).glob("pip-*.whl")))


class WheelIndex:
    """The index, at `url`. `asked` are the paths that were asked for, and `lies` is what a file is in truth.

    The next `cuts` files are cut short.
    """

    def __init__(self) -> None:
        self.files = {
            f"{name}-{VERSION}-py3-none-any.whl": wheel(name, needs, more=KERNEL if name == "ipykernel" else {})
            for name, needs in NEEDS.items()
        }
        pip = pip_of_python()
        self.files[pip.name] = pip.read_bytes()
        self.lies: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cuts = 0
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                index.asked.append(self.path)
                status, kind, text = index.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if index.cuts and self.path.endswith(".whl"):
                    index.cuts -= 1
                    text, self.close_connection = text[:100], True
                if self.command == "GET":
                    self.wfile.write(text)

            def log_message(self, *words: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """What is at a path: the page of a project, or a file."""
        name = path.strip("/").rpartition("/")[2]
        if path.endswith(".metadata"):  # PEP 658, so that no one fetches a wheel to know what it needs
            return 200, "text/plain", metadata(name, self.files[name.removesuffix(".metadata")])
        if path.startswith("/files/"):
            text = self.lies.get(name, self.files.get(name))
            return (200, "application/zip", text) if text is not None else (404, "text/plain", b"")
        project = name.replace("-", "_")
        links = [
            f'<a href="/files/{file}#sha256={hashlib.sha256(text).hexdigest()}" data-core-metadata="true">{file}</a>'
            for file, text in self.files.items()
            if file.startswith(f"{project}-")
        ]
        return (200, "text/html", "\n".join(links).encode()) if links else (404, "text/plain", b"")

    def fetched(self, file: str) -> int:
        """How often a file was asked for."""
        return self.asked.count(f"/files/{file}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
