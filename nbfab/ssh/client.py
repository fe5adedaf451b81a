"""The OpenSSH client, without which no host is reached: how to install it on this machine."""

import platform

from nbfab.fix import Command

_DNF = "sudo dnf install openssh-clients"
INSTALL = {  # by the ID or ID_LIKE of os-release(5)
    "debian": "sudo apt-get install openssh-client",
    "ubuntu": "sudo apt-get install openssh-client",
    "fedora": _DNF,
    "rhel": _DNF,
    "suse": "sudo zypper install openssh-clients",
    "arch": "sudo pacman -S openssh",
    "alpine": "sudo apk add openssh-client",
}


def how_to_install() -> Command | str:
    """The command that installs it; in words where that is not known."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    for name in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if name in INSTALL:
            return Command(INSTALL[name])
    return "install the OpenSSH client: nbfab reaches hosts by its configuration and its known_hosts"
