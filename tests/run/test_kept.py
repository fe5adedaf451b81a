"""Output that is kept: what a cell prints while its page is closed, in a real browser."""

import json
from pathlib import Path
from typing import Any

from chromium import SLOWEST, chromium, trust
from home import snapshot
from machine import PASSWORD, ROOT, Machine
from notebook_client import Notebook
from notebook_page import CELL, CONNECTED, NEW, OUTPUT, STATUS
from playwright.sync_api import BrowserContext, Page, WebSocket, expect
from sshd import wait_until

LINES = 20
CODE = f"import time\nfor number in range({LINES}):\n    print('line', number, flush=True)\n    time.sleep(0.5)"
EXTENSION = "jupyter-server-nbmodel"


def logs_in(page: Page, base: str, password: str = PASSWORD) -> None:
    page.set_default_timeout(SLOWEST)
    page.goto(base)
    page.fill("#password_input", password)
    page.click("#login_submit")
    page.wait_for_url("**/tree**")


def opens(page: Page, base: str, path: str) -> None:
    """Opens a notebook, and waits for its kernel."""
    page.set_default_timeout(SLOWEST)
    page.goto(f"{base}/notebooks/{path}")
    page.locator(CONNECTED).wait_for(state="attached")
    expect(page.locator(STATUS)).to_have_attribute("data-status", "idle")


def closed_after_three_lines(context: BrowserContext, base: str) -> str:
    """Runs the cell in a page that is closed soon; the path of the notebook."""
    page = context.new_page()
    page.goto(f"{base}/tree")
    path = str(page.evaluate(NEW, CODE))
    opens(page, base, path)
    page.locator(CELL).first.click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(OUTPUT, has_text="line 2").first).to_be_visible()
    page.close()
    return path


def printed(file: Path) -> list[str]:
    """The lines that the first cell of a notebook has printed, as its file has them; none while that is written."""
    try:
        outputs: list[dict[str, Any]] = json.loads(file.read_text())["cells"][0]["outputs"]
    except ValueError:
        return []
    return "".join("".join(output["text"]) for output in outputs).splitlines()


def is_idle(notebook: Notebook) -> bool:
    return [kernel["execution_state"] for kernel in notebook.get("/api/kernels")] == ["idle"]


def test_a_cell_that_prints_while_its_page_is_closed(here: Machine, tmp_path: Path) -> None:
    before = snapshot(here.home)
    here.env |= {"NBFAB_PYTHON": "new", "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}  # uv has its own
    here.ok("setup")
    home = tmp_path / "browser"
    trust(home, here.folder / "nbserver.pem")
    base = f"https://localhost:{here.port}"
    whole = [f"line {number}" for number in range(LINES)]
    with chromium(home) as browser:
        context = browser.new_context(viewport={"width": 1100, "height": 800})
        logs_in(context.new_page(), base)

        # Without it, the rest is lost, though the kernel has run the whole cell.
        path = closed_after_three_lines(context, base)
        notebook = Notebook(here.port, here.folder, PASSWORD)
        wait_until(lambda: is_idle(notebook), "the kernel to have run the cell")
        (kernel,) = notebook.get("/api/kernels")
        assert notebook.evaluates(kernel["id"], "number") == str(LINES - 1)
        assert len(printed(here.work / path)) < LINES

        # It takes a restart, which is nothing that ends a kernel unasked.
        said = here.fails("setup", "--keep-output")
        assert "keep_output off -> on" in said
        notebook.delete(f"/api/kernels/{kernel['id']}")
        said = here.ok("setup", "--keep-output")
        assert "keep_output off -> on" in said
        assert "the server saves notebooks" in said
        assert "nothing changed" in here.ok("setup")

        path = closed_after_three_lines(context, base)
        file = here.work / path
        wait_until(lambda: printed(file) == whole, "the file to have all lines")
        assert json.loads(file.read_text())["cells"][0]["execution_count"] == 1
        page = context.new_page()
        sockets: list[WebSocket] = []
        page.on("websocket", lambda socket: sockets.append(socket))
        opens(page, base, path)
        expect(page.locator(OUTPUT, has_text=f"line {LINES - 1}").first).to_be_visible()
        folder = ROOT / "screenshots"
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / "kept-output.png")

        # What nbfab's module does, it still does: private sockets, one list of kernels, an end to old passwords.
        elsewhere = here.folder / "ipc"  # where the profile's path is too long for sockets
        sockets_in = Path(elsewhere.read_text().strip()) if elsewhere.exists() else here.folder / "runtime"
        assert len(list(sockets_in.glob("kernel-*-ipc-*"))) >= 5
        assert f"{path}: idle" in here.ok("kernels")
        of_old = [socket for socket in sockets if not socket.is_closed()]
        for part in ("/api/kernels/", "/api/collaboration/"):
            assert any(part in socket.url for socket in of_old), [socket.url for socket in sockets]
        here.ok("password", password="another horse battery")
        for _ in range(600):
            if all(socket.is_closed() for socket in of_old):
                break
            page.wait_for_timeout(100)  # Playwright learns of it meanwhile
        assert [socket.url for socket in of_old if not socket.is_closed()] == []
        fresh = browser.new_context().new_page()
        logs_in(fresh, base, "another horse battery")
        page.goto(f"{base}/tree")
        expect(page.locator("#password_input")).to_be_visible()

    # Off, it is still installed, and nothing of it is in the server or its pages.
    said = here.fails("setup", "--no-keep-output", password=None)
    assert "keep_output on -> off" in said
    here.ok("stop", "--force")
    here.ok("setup", "--no-keep-output", password=None)
    notebook = Notebook(here.port, here.folder, "another horse battery")
    assert list(here.folder.parent.glob(f".venv/kept/labextensions/*/{EXTENSION}"))
    assert EXTENSION not in notebook.opener.open(f"{notebook.base}/tree", timeout=60).read().decode()
    here.ok("remove", "--yes")
    assert snapshot(here.home) == before


def test_only_an_environment_of_nbfab_s_own_gets_it(here: Machine) -> None:
    said = here.fails("setup", "--keep-output")
    assert "only into an environment that it has made" in said
    assert "setup --python=new --keep-output" in said
    assert not here.folder.exists()
