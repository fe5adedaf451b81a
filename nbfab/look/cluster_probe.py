"""Runs on the host: prints what a Python has of what the members of a cluster must agree on, as one line of JSON.

`versions` maps packages to versions, `address` is the one that other hosts reach this host by, `taken` are the ports at
which something listens, and `proxy` is whether it has what shows a dashboard. All hosts wait for this, so it imports
next to nothing: it reads itself what installers note of packages, and writes JSON itself, since to import `json` takes
as long as Python takes to start. Works with Python 3.8 and later.
"""

import os
import sys

PROXY = "jupyter_server_proxy"
AGREE = ("dask", "distributed", "numpy", "pandas", "msgpack", "cloudpickle", "lz4", "zstandard", "cramjam")
PACKAGES = (*AGREE, "bokeh", PROXY)


def versions():
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for place in filter(None, sys.path):
        try:
            entries = os.listdir(place)
        except OSError:  # an archive, or none of this user's
            continue
        for entry in entries:
            name = entry.partition("-")[0].partition(".")[0].lower()
            if name in PACKAGES and name not in found and entry.endswith((".dist-info", ".egg-info")):
                version = noted(os.path.join(place, entry))
                if version:  # what was removed may have left its folder
                    found[name] = version
    return found


def noted(place):
    """The version in a package's metadata, which is a folder (of a wheel, or older) or a file; empty for none."""
    for path in (place + "/METADATA", place + "/PKG-INFO", place):
        try:
            with open(path, encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    key, _, value = line.partition(":")
                    if key.lower() == "version":
                        return value.strip()
                    if not line.strip():
                        break
        except OSError:
            continue
    return ""


def address():
    """The one at which sshd was reached, which other hosts of its network reach, too; or that of the way out."""
    reached = os.environ.get("SSH_CONNECTION", "").split()
    at = reached[2].rpartition("::ffff:")[2] if len(reached) == 4 else "127.0.0.1"
    if not at.startswith(("127.", "::1", "fe80:")):
        return at
    import socket

    for family, other in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):  # RFC 5737, RFC 3849
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asks:
                asks.connect((other, 9))  # which sends nothing
                return asks.getsockname()[0]
        except OSError:
            continue
    return "127.0.0.1"


def taken():
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            with open("/proc/net/" + table) as lines:
                next(lines)
                fields = [line.split() for line in lines]
        except (OSError, StopIteration):
            continue
        found.update(int(each[1].rpartition(":")[2], 16) for each in fields if each[3] == "0A")
    return sorted(port for port in found if 10000 <= port < 32000)


def quoted(text):
    """A string of JSON; versions and addresses have no other characters than these."""
    known = "".join(each if (each.isascii() and each.isalnum()) or each in ".:+!_-%" else "?" for each in text)
    return f'"{known}"'


def array(values):
    return f"[{', '.join(values)}]"


def record(**values):
    return "{" + ", ".join(f"{quoted(name)}: {value}" for name, value in values.items()) + "}"


found = versions()
proxy = "true" if found.pop(PROXY, "") else "false"
named = record(**{name: quoted(version) for name, version in found.items()})
print(record(versions=named, address=quoted(address()), taken=array(map(str, taken()[:1000])), proxy=proxy))
