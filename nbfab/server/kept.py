"""Output that is kept while no page is open: jupyter-server-nbmodel runs cells in the server, on its own document.

That document, which pages share, is jupyter-server-ydoc's; it is saved as it changes, whether a page shows it or not.
"""

from __future__ import annotations

import os
import sys
from importlib import util
from typing import Any

NAMES = ("jupyter_server_nbmodel", "jupyter_server_ydoc", "jupyter_server_fileid")
# Where their pages are, in the environment: put aside, so that no other server has them (apply/install.sh).
PAGES = "kept/labextensions"


def set_up(c: Any, folder: str) -> None:
    """Puts them into a server's configuration, if `Nbfab.keep_output` is there and the environment has them."""
    if not c.Nbfab.get("keep_output"):
        return
    lacks = [name for name in NAMES if util.find_spec(name) is None]
    if lacks:
        print(f"nbfab: no output is kept: {sys.prefix} has no {lacks[0]}", file=sys.stderr)
        return
    c.ServerApp.jpserver_extensions = dict.fromkeys(NAMES, True)
    c.LabServerApp.extra_labextensions_path = [os.path.join(sys.prefix, PAGES)]
    # By itself it forgets a document a minute after its last page has gone, and what a cell prints from then on.
    c.YDocExtension.document_cleanup_delay = None
    place = os.path.join(folder, "jupyter")  # by themselves they write to the home folder and to the notebooks'
    c.BaseFileIdManager.db_path = os.path.join(place, "file_id_manager.db")
    c.SQLiteYStore.db_path = os.path.join(place, "documents.db")
    c.YDocExtension.session_store_path = os.path.join(place, "collaboration_sessions.json")
