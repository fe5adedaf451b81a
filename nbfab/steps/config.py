"""Step 4: the settings: certificate, addresses, no browser, one port, the directory."""

import shlex
from collections.abc import Iterator

from nbfab.change import Change
from nbfab.errors import HostError
from nbfab.facts import Facts
from nbfab.settings import kernel_name
from nbfab.steps.certificate import FILE as CERTIFICATE
from nbfab.steps.files import in_file
from nbfab.steps.install import choose
from nbfab.wanted import Wanted

FILE = "jupyter_server_config.py"
LOGIN_FILE = "templates/login.html"

# The server's own page says at length how to log in with a token, wherever there is one; ours is not for people.
LOGIN = """\
{# Written by nbfab, and replaced by it. #}
{% extends "templates/login.html" %}
{% set token_available = false %}
"""


def text(wanted: Wanted, facts: Facts) -> str:
    """The file as it shall be, in the names of the server that is used (jupyter_server 2, or notebook 6)."""
    classic = choose(wanted, facts).classic
    app = "NotebookApp" if classic else "ServerApp"
    values = {
        f"{app}.certfile": f"{facts.folder}/{CERTIFICATE}",
        f"{app}.ip": wanted.settings.ip,
        f"{app}.port": wanted.settings.port,
        f"{app}.port_retries": 0,
        f"{app}.open_browser": False,
        f"{app}.{'notebook_dir' if classic else 'root_dir'}": facts.directory,
        f"{app}.extra_template_paths": [f"{facts.folder}/templates"],
        "MultiKernelManager.default_kernel_name": kernel_name(wanted.settings.profile),
    }
    lines = [f"c.{trait} = {value!a}" for trait, value in values.items()]
    token = "NotebookApp.token" if classic else "IdentityProvider.token"
    return "\n".join(
        [
            "# Written by nbfab, and replaced by it. The password's hash is in the .json beside it.",
            "import secrets",
            "",
            "c = get_config()",
            *lines,
            "# For nbfab itself, which asks the server on this host what runs in it; new at each start.",
            f"c.{token} = secrets.token_hex(32)",
            "",
        ]
    )


def guards(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """The arguments of the server. They hold even where its configuration could not be read: it is never open."""
    classic = choose(wanted, facts).classic
    app = "NotebookApp" if classic else "ServerApp"
    provider = "NotebookApp" if classic else "PasswordIdentityProvider"
    root = ("--allow-root",) if facts.uid == "0" else ()
    return (
        f"--config={facts.folder}/{FILE}",
        f"--{app}.certfile={facts.folder}/{CERTIFICATE}",
        f"--{app}.port={wanted.settings.port}",
        f"--{app}.port_retries=0",
        f"--{app}.open_browser=False",
        f"--{provider}.password_required=True",
        *root,
    )


def config(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The file is written where it differs. Raises HostError if the directory is none that can be served."""
    if facts.directory_state != "ok":
        place = shlex.quote(facts.directory)
        mend = f"mkdir -p {place}" if facts.directory_state == "does not exist" else f"ls -ld {place}"
        raise HostError(f"the directory {facts.directory} {facts.directory_state}", mend)
    yield from in_file("config", "the login page", LOGIN_FILE, facts.login_file, LOGIN, facts)
    what = "the server's settings"
    yield from in_file("config", what, FILE, facts.config_file, text(wanted, facts), facts, needs_restart=True)
