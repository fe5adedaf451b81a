"""The step `config`: the server's settings, and its login page."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.errors import HostError
from nbfab.fix import there
from nbfab.names import kernel_name
from nbfab.plan import clients, login, module
from nbfab.plan.certificate import FILE as CERTIFICATE
from nbfab.plan.environment import keeps_output
from nbfab.plan.files import Managed, in_file
from nbfab.plan.install import choose
from nbfab.plan.step import Step
from nbfab.settings import seconds

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.plan.change import Change
    from nbfab.wanted import Wanted

FILE = "jupyter_server_config.py"
NODE_ROOTS = (
    "# Where jupyter_lsp looks for language servers; by itself it asks npm, which leaves files in the home folder.",
    'node = os.path.realpath(shutil.which("node") or sys.executable)',
    'prefixes = [sys.prefix, os.path.dirname(os.path.dirname(node)), "/usr/local"]',
    'c.LanguageServerManager.node_roots = [prefix + lib for prefix in prefixes for lib in ("/lib", "")]',
)
OPTIONS = {"port": "port", "ip": "ip", "root_dir": "directory", "notebook_dir": "directory"}  # by their traits
IDLE = ("idle", "idle_kernels")
KEEP = "keep_output"


def text(wanted: Wanted, facts: Facts) -> str:
    """The settings, in the traits of the server that is used: jupyter_server 2 or notebook 6."""
    classic = choose(wanted, facts).classic
    app = "NotebookApp" if classic else "ServerApp"
    values = {
        f"{app}.certfile": f"{facts.files.folder}/{CERTIFICATE}",
        f"{app}.ip": wanted.settings.ip,
        f"{app}.port": wanted.settings.port,
        f"{app}.port_retries": 0,
        f"{app}.open_browser": False,
        f"{app}.{'notebook_dir' if classic else 'root_dir'}": facts.files.directory,
        f"{app}.extra_template_paths": [f"{facts.files.folder}/templates"],
        "MultiKernelManager.default_kernel_name": kernel_name(wanted.settings.profile),
    }
    if wanted.settings.client_certificates:
        values[f"{app}.client_ca"] = f"{facts.files.folder}/{clients.FILE}"
    for key in IDLE:  # which the module reads
        if limit := seconds(getattr(wanted.settings, key)):
            values[f"Nbfab.{key}"] = limit
    if keeps_output(wanted, facts):
        values[f"Nbfab.{KEEP}"] = True  # so does this
    lines = [f"c.{trait} = {value!a}" for trait, value in values.items()]
    guard = module.lines(facts.files.folder, classic=classic)
    token = "NotebookApp.token" if classic else "IdentityProvider.token"
    return "\n".join(
        [
            "# Written by nbfab, and replaced by it. The hash of the password is in the .json beside it.",
            "import os",
            "import secrets",
            "import shutil",
            "import sys",
            "",
            "from jupyter_core.application import JupyterApp",
            "",
            "c = get_config()",
            *lines,
            "# Of the server alone: kernels and terminals install into the folder of the user's own.",
            f"JupyterApp.instance().data_dir = {f'{facts.files.folder}/jupyter'!a}",
            *NODE_ROOTS,
            "# For nbfab itself, which asks the server on this host what it runs; new at each start.",
            f"c.{token} = secrets.token_hex(32)",
            *guard,
            "",
        ]
    )


def guards(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """The server's arguments. They keep it closed even if its configuration cannot be read."""
    classic = choose(wanted, facts).classic
    app = "NotebookApp" if classic else "ServerApp"
    provider = "NotebookApp" if classic else "PasswordIdentityProvider"
    admits = (f"--{app}.client_ca={facts.files.folder}/{clients.FILE}",) if wanted.settings.client_certificates else ()
    root = ("--allow-root",) if facts.host.is_root else ()
    return (
        f"--config={facts.files.folder}/{FILE}",
        f"--{app}.certfile={facts.files.folder}/{CERTIFICATE}",
        f"--{app}.port={wanted.settings.port}",
        f"--{app}.port_retries=0",
        f"--{app}.open_browser=False",
        f"--{provider}.password_required=True",
        *admits,
        *root,
    )


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The two files, if they differ. Raises HostError if the directory cannot be served."""
    _check_directory(facts)
    yield from in_file("config", "the login page", login.FILE, login.text(wanted, facts), facts)
    yield from in_file("config", "the server's settings", FILE, text(wanted, facts), facts, needs_restart=True)


def standing(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What the server saves, and what ends by itself."""
    idle, kernels = wanted.settings.idle, wanted.settings.idle_kernels
    if wanted.settings.keep_output:
        yield "the server saves notebooks as they change, also while cells print and no page is open"
    if seconds(kernels):
        yield f"kernels that have been idle for {kernels} end, and what is in their memory is gone"
    if seconds(idle):
        keep = "terminals" if seconds(kernels) else "kernels, also idle ones, and terminals"
        yield f"the server ends when nothing has run for {idle}; {keep} keep it"


_STATES = {"absent": "does not exist", "other": "is not a folder", "unreadable": "cannot be read"}


def _check_directory(facts: Facts) -> None:
    place, state = facts.files.directory, facts.files.directory_state
    if state in _STATES:
        fix = "mkdir -p" if state == "absent" else "ls -ld"
        raise HostError(f"the directory {place} {_STATES[state]}", there(f"{fix} {shlex.quote(place)}"))


STEP = Step(
    "config",
    "Write the settings: certificate, address, no browser, one port, the directory.",
    plan,
    files=lambda settings: (Managed(FILE), Managed(login.FILE)),
    options=("port", "ip", "directory", "client_certificates", "at_boot", *IDLE),
    flags=("restart", "reset"),
    standing=standing,
    restarts=True,
)
