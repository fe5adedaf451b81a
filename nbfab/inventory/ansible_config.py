"""Ansible's own configuration: what of it counts for how a host is reached (`ansible-config list`).

Variables of an inventory take precedence over the environment, and that over the one ansible.cfg that is in force.
"""

import configparser
import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.inventory.place import Place
from nbfab.inventory.yaml12 import Node

NAME = "ansible.cfg"

# By the variable that takes precedence over it: a variable of the environment, and a section and a key of ansible.cfg.
_SETTINGS = {
    "ansible_connection": ("ANSIBLE_TRANSPORT", "defaults", "transport"),
    "ansible_port": ("ANSIBLE_REMOTE_PORT", "defaults", "remote_port"),
    "ansible_private_key_file": ("ANSIBLE_PRIVATE_KEY_FILE", "defaults", "private_key_file"),
    "ansible_ssh_args": ("ANSIBLE_SSH_ARGS", "ssh_connection", "ssh_args"),
    "ansible_ssh_common_args": ("ANSIBLE_SSH_COMMON_ARGS", "ssh_connection", "ssh_common_args"),
    "ansible_ssh_executable": ("ANSIBLE_SSH_EXECUTABLE", "ssh_connection", "ssh_executable"),
    "ansible_ssh_extra_args": ("ANSIBLE_SSH_EXTRA_ARGS", "ssh_connection", "ssh_extra_args"),
    "ansible_user": ("ANSIBLE_REMOTE_USER", "defaults", "remote_user"),
}


def settings(file: Path | None) -> dict[str, tuple[str, Node]]:
    """The settings in force by the variable that each stands for: its own name and its value; `file` is ansible.cfg.

    Raises UsageError for a file that Ansible could not read either.
    """
    written = _read(file) if file else {}
    found: dict[str, tuple[str, Node]] = {}
    for variable, (environment, section, key) in _SETTINGS.items():
        if environment in os.environ:
            name, value, place = environment, os.environ[environment], Place("the environment", 0)
        elif key in written.get(section, {}):
            name, value, place = key, _value(Path(file or "."), key, written[section][key]), Place(str(file), 0)
        else:
            continue
        found[variable] = name, Node(value or None, place)
    return found


def in_force() -> Path | None:
    """The ansible.cfg that Ansible reads in the current folder, of the four places where it looks."""
    return next((path for path in _candidates() if path.is_file() and os.access(path, os.R_OK)), None)


def names_inventory(file: Path) -> bool:
    """Whether an ansible.cfg says which inventory to read. Raises UsageError."""
    return bool(_read(file).get("defaults", {}).get("inventory"))


def note(inventory: Path, used: Path | None) -> Iterator[str]:
    """Says that an ansible.cfg near an inventory does not count, since Ansible would not read it here either."""
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return
    if "ANSIBLE_CONFIG" in os.environ:
        return
    for folder in inventory.absolute().parents[:2]:
        near = folder / NAME
        if not near.is_file() or (used and near.samefile(used)):
            continue
        written: Mapping[str, Mapping[str, str]] = {}
        with contextlib.suppress(UsageError):
            written = _read(near)
        found = [key for _, section, key in _SETTINGS.values() if key in written.get(section, {})]
        if found:
            shown = os.path.relpath(folder)
            why = (
                "anyone can write to this folder" if folder == here else f"Ansible reads that file only in: cd {shown}"
            )
            yield f"{os.path.normpath(f'{shown}/{NAME}')}: {', '.join(found)} not counted; {why}"


def _candidates() -> Iterator[Path]:
    if given := os.environ.get("ANSIBLE_CONFIG"):
        path = Path(given).expanduser()
        yield path / NAME if path.is_dir() else path
    # Ansible does not trust a folder in which anyone can put a file.
    if not os.stat(".").st_mode & stat.S_IWOTH:
        yield Path(NAME)
    yield Path("~/.ansible.cfg").expanduser()
    yield Path("/etc/ansible") / NAME


def _read(file: Path) -> Mapping[str, Mapping[str, str]]:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {(error.strerror or 'cannot be read').lower()}") from None
    except (configparser.Error, UnicodeDecodeError):
        raise UsageError(f"{file}: Ansible cannot read it", "ansible-config dump") from None
    return {section: dict(parser[section]) for section in parser.sections()}


def _value(file: Path, key: str, text: str) -> str:
    """A value as Ansible takes it: without quotes around it; the path of a key is relative to its ansible.cfg."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[-2] != "\\":
        text = text[1:-1]
    is_relative = key == "private_key_file" and text and text[0] not in "~/"
    return str(file.absolute().parent / text) if is_relative else text
