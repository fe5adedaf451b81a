"""The configuration of pip and uv on this machine, and what they take without any."""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbfab.errors import CannotLend
from nbfab.lend.index import Index, of_pip, of_uv

_DEFAULT = re.compile(r"default:?\s+<?(https://[^\s>)]+)")


def index_for(tool: str) -> Index:
    """The index that this machine would take packages from by that tool, pip or uv, or by the other one, if only that
    has one; or the default of both. Raises CannotLend.
    """
    both = (configured("uv"), configured("pip"))
    found = next((index for index in (both if tool == "uv" else both[::-1]) if index.named), Index())
    return found if found.url else Index(_default(), found.more)


def configured(tool: str) -> Index:
    """The index that is named to that tool, pip or uv, by its files and in the environment."""
    return of_uv(_uv_files(), os.environ) if tool == "uv" else of_pip(_pip_files(), os.environ)


def certificates() -> tuple[str, ...]:
    """Files of authorities that pip is given to trust beside the system's, as where a company looks into TLS."""
    names = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return tuple(dict.fromkeys(path for name in names if os.path.isfile(path := os.environ.get(name, ""))))


def _read(paths: Iterator[str]) -> Iterator[str]:
    for path in dict.fromkeys(paths):
        try:
            yield Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, RuntimeError):
            continue


def _pip_files() -> Iterator[str]:
    given = os.environ.get("PIP_CONFIG_FILE", "")
    if given != os.devnull:  # which turns all of them off
        yield from _read(_pip_paths(given))


def _pip_paths(given: str) -> Iterator[str]:
    yield from (f"{folder}/pip/pip.conf" for folder in reversed(_config_folders()))
    yield "/Library/Application Support/pip/pip.conf"
    yield "/etc/pip.conf"
    yield "~/.pip/pip.conf"
    yield "~/Library/Application Support/pip/pip.conf"
    yield f"{_config_home()}/pip/pip.conf"
    yield f"{sys.prefix}/pip.conf"
    yield from filter(None, [given])


def _uv_files() -> Iterator[str]:
    if given := os.environ.get("UV_CONFIG_FILE"):
        return _read(iter([given]))
    if os.environ.get("UV_NO_CONFIG"):
        return iter(())
    system = [f"{folder}/uv/uv.toml" for folder in reversed(_config_folders())]
    return _read(iter(["/etc/uv/uv.toml", *system, f"{_config_home()}/uv/uv.toml"]))


def _config_folders() -> list[str]:
    return [folder for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if os.path.isabs(folder)]


def _config_home() -> str:
    given = os.environ.get("XDG_CONFIG_HOME", "")
    return given if os.path.isabs(given) else "~/.config"


def _default() -> str:
    """The index that pip and uv take without a configuration, by their own word. Raises CannotLend."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    bare |= {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "COLUMNS": "1000"}
    for command in _helps():
        if found := _DEFAULT.search(_printed(command, bare)):
            return found[1]
    raise CannotLend(
        "neither pip nor uv is on this machine, to say which index is to be lent",
        "install one of them here, or name an index in PIP_INDEX_URL",
    )


def _helps() -> Iterator[list[str]]:
    """Commands that print the help of pip, that of uv, and that of the pip that every Python brings along."""
    yield [sys.executable, "-I", "-m", "pip", "install", "--help"]
    yield ["uv", "pip", "install", "--help"]
    yield ["python3", "-m", "pip", "install", "--help"]
    folders = (sysconfig.get_config_var("WHEEL_PKG_DIR"), f"{sysconfig.get_path('stdlib')}/ensurepip/_bundled")
    for wheel in (path for folder in filter(None, folders) for path in sorted(Path(folder).glob("pip-*.whl"))):
        yield [sys.executable, "-I", f"{wheel}/pip", "install", "--help"]


def _printed(command: list[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return " ".join(done.stdout.decode(errors="replace").split())
