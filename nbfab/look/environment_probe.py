"""Runs on the host: prints what this Python has of the notebook, as one line of JSON.

Called as `python -c CODE SOURCE [PACKAGE...]`, with more packages to look for. `files` are the interpreter and the
metadata folders of the packages: while all of them exist, the answer holds. Works with Python 3.8 and later.
"""

import json
import os
import re
import sys
from importlib import metadata, util

packages, files = {}, [sys.executable]
more = [re.match("[A-Za-z0-9._-]+", package).group() for package in sys.argv[2:]]
kept = ("jupyter_server_nbmodel", "jupyter_server_ydoc")
if os.path.exists(os.path.join(sys.prefix, "etc/jupyter/labconfig/page_config.d/zz_nbfab.json")):
    kept = ()  # disabled, since they were not installed to the end (apply/install.sh)
for name in ("notebook", "jupyterlab", "jupyter_server", "ipykernel", "matplotlib", *kept, *more):
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue
    packages[name] = distribution.version
    path = getattr(distribution, "_path", None)  # no public attribute has the path
    if path is not None:
        files.append(str(path))
print(
    json.dumps(
        {
            "source": sys.argv[1],
            "python": sys.executable,
            "version": ".".join(map(str, sys.version_info[:3])),
            "packages": packages,
            "pip": util.find_spec("pip") is not None,
            "files": files,
        }
    )
)
