"""The step `config`."""

import sys
from functools import partial
from typing import Any
from unittest.mock import Mock, patch

import pytest
from plan_cases import CLASSIC, MODERN, NEW, WANTED, after, seen, wanting

from nbfab.errors import HostError
from nbfab.look.environments import Environment
from nbfab.plan import config, module

FOLDER = NEW.files.folder


class _Recorder:
    """Takes `c.Class.trait = value`, as traitlets' configuration does."""

    def __init__(self, name: str, values: dict[str, Any]) -> None:
        self.__dict__["_name"], self.__dict__["_values"] = name, values

    def __getattr__(self, name: str) -> "_Recorder":
        return _Recorder(f"{self.__dict__['_name']}.{name}".lstrip("."), self.__dict__["_values"])

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["_values"][f"{self.__dict__['_name']}.{name}"] = value


def traits(text: str) -> dict[str, Any]:
    """The traits that a configuration sets."""
    values: dict[str, Any] = {}
    with patch.dict("sys.modules", dict.fromkeys((module.NAME, "jupyter_core", "jupyter_core.application"), Mock())):
        exec(text, {"get_config": partial(_Recorder, "", values)})
    return values


@pytest.mark.parametrize(
    ("environment", "app", "root", "token"),
    [
        (MODERN, "ServerApp", "root_dir", "IdentityProvider.token"),
        (CLASSIC, "NotebookApp", "notebook_dir", "NotebookApp.token"),
    ],
    ids=["jupyter_server 2", "notebook 6"],
)
def test_the_settings_are_those_of_the_how_to(environment: Environment, app: str, root: str, token: str) -> None:
    odd = seen(files={"directory": '/data/it\'s "näme"\\n'}, environments={"found": (environment,)})
    values = traits(config.text(wanting(profile="GPU2", port=8888, ip="::1"), odd))
    assert len(values.pop(token)) == 64
    assert f"{sys.prefix}/lib" in values.pop("LanguageServerManager.node_roots")
    assert values == {
        f"{app}.certfile": f"{FOLDER}/nbserver.pem",
        f"{app}.ip": "::1",
        f"{app}.port": 8888,
        f"{app}.port_retries": 0,
        f"{app}.open_browser": False,
        f"{app}.{root}": odd.files.directory,
        f"{app}.extra_template_paths": [f"{FOLDER}/templates"],
        "MultiKernelManager.default_kernel_name": "gpu2",
    }


def test_the_token_is_new_at_each_start() -> None:
    text = config.text(WANTED, NEW)
    assert traits(text)["IdentityProvider.token"] != traits(text)["IdentityProvider.token"]


@pytest.mark.parametrize("uid", ["0", "1000"])
def test_the_server_stays_closed_without_its_configuration(uid: str) -> None:
    arguments = config.guards(WANTED, seen(host={"uid": uid}))
    assert arguments[:6] == (
        f"--config={FOLDER}/jupyter_server_config.py",
        f"--ServerApp.certfile={FOLDER}/nbserver.pem",
        "--ServerApp.port=9999",
        "--ServerApp.port_retries=0",
        "--ServerApp.open_browser=False",
        "--PasswordIdentityProvider.password_required=True",
    )
    assert arguments[6:] == (("--allow-root",) if uid == "0" else ())


def test_only_the_settings_need_a_restart() -> None:
    changes = list(config.plan(WANTED, NEW))
    assert [(change.args.get("file", change.kind), change.needs_restart) for change in changes] == [
        ("templates/login.html", False),
        ("jupyter_server_config.py", True),
    ]
    assert list(config.plan(WANTED, after(NEW, changes))) == []


@pytest.mark.parametrize(
    ("state", "reason", "fix"),
    [
        ("absent", "does not exist", "mkdir -p '/data/my notes'"),
        ("other", "is not a folder", "ls -ld '/data/my notes'"),
        ("unreadable", "cannot be read", "ls -ld '/data/my notes'"),
    ],
)
def test_a_directory_that_cannot_be_served(state: str, reason: str, fix: str) -> None:
    facts = seen(files={"directory": "/data/my notes", "directory_state": state})
    with pytest.raises(HostError, match=f"^the directory /data/my notes {reason}$") as error:
        list(config.plan(WANTED, facts))
    assert error.value.hint == f"on the host: {fix}"
