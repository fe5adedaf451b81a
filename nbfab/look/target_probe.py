"""Runs on the host: prints what wheels have to fit that this Python installs, as one line of JSON.

Called as `python -c CODE BASE UV NEW`: the folder of all profiles, where uv is, if there is one, and anything if this
Python is to make another environment, and not to add to its own. `kept` are the parcels that are there already. Works
with Python 3.8 and later.
"""

import glob
import importlib
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
from importlib import metadata, util

base, uv, new = sys.argv[1:4]
libc, version = "", ""
try:
    libc, version = os.confstr("CS_GNU_LIBC_VERSION").split()
except (AttributeError, ValueError, OSError):
    for loader in glob.glob("/lib/ld-musl-*.so.1"):
        said = subprocess.run([loader], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr
        for line in said.decode(errors="replace").splitlines():
            if line.startswith("Version "):
                libc, version = "musl", line.split()[1]
place = base
while place != "/" and not os.path.isdir(place):
    place = os.path.dirname(place)
disk = os.statvfs(place)
cache = os.path.join(base, ".cache")
own = not new and os.path.exists(os.path.join(base, ".venv", "complete"))
installed = {}
if own:
    for distribution in metadata.distributions():
        if distribution.metadata["Name"]:  # one that was half removed has none
            installed.setdefault(distribution.metadata["Name"], distribution.version)


def is_able(pip):
    """Whether that version of pip knows the wheels of today: `manylinux_2_28`, PEP 600."""
    return tuple(int(part) for part in re.findall("[0-9]+", pip)[:2]) >= (20, 3)


able = bool(own and util.find_spec("pip") and is_able(installed.get("pip", "")))
if not own:
    try:  # as `look_tools` does
        for name in ("venv", "ensurepip"):
            importlib.import_module(name)

        able = is_able(sys.modules["ensurepip"].version())
    except ImportError:
        pass
threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
print(
    json.dumps(
        {
            "system": platform.system(),
            "machine": platform.machine() if sys.maxsize > 2**32 else "32 bits of " + platform.machine(),
            "libc": libc,
            "libc_version": version,
            "python": "%d.%d" % sys.version_info[:2],  # noqa: UP031
            "implementation": sys.implementation.name + (", free-threaded" if threaded else ""),
            "room": disk.f_bavail * disk.f_frsize,
            "kept": sorted(os.listdir(cache)) if os.path.isdir(cache) else [],
            "installed": sorted(installed.items()),
            "takes_uv": not uv and not able,
        }
    )
)
