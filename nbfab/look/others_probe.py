"""Runs on the host: lists this user's Jupyter servers, but for those that nbfab started, as JSON.

Called as `python -c CODE BASE [PORT]`, where BASE is the folder of nbfab's profiles. Of the server at PORT it tells
which terminals are open, too; asking that counts as activity, and the other questions do not. A server is a process of
this user's whose arguments look like Jupyter's and that listens on TCP. What a runtime file says is believed only if
the process and the port fit. Works with Python 3.8 and later, on Linux; elsewhere it prints null.
"""

import glob
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time

MOST = 50  # servers
PORTS = 5  # ports of one that are tried
ANSWER = 3  # seconds for an answer
WHOLE = 10  # and for all of them
LARGEST = 100_000  # bytes of a file or an answer
EVERY = {"0.0.0.0": "127.0.0.1", "::": "::1"}
REFUSED = (301, 302, 303, 307, 308, 401, 403)


def text_of(path):
    """What is in a file; empty if that cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def address(written):
    """An address as proc(5) has it: words of four bytes, each in the order of the processor."""
    words = (int(written[at : at + 8], 16) for at in range(0, len(written), 8))
    packed = b"".join(struct.pack("=I", word) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def listening():
    """Where this user listens, by the inode of the socket."""
    found = {}
    for name in ("tcp", "tcp6"):
        for row in text_of("/proc/net/" + name).splitlines()[1:]:
            words = row.split()
            if len(words) > 9 and words[3] == "0A" and words[7] == str(os.getuid()):
                host, _, port = words[1].partition(":")
                found[words[9]] = (address(host), int(port, 16))
    return found


def sockets(pid):
    """The inodes of the sockets that a process has open."""
    found = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{name}")
            except OSError:  # closed
                continue
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:  # ended, or not to be looked at
        pass
    return found


def app_in(words):
    """The program of Jupyter's that arguments name; empty if it is none, or a kernel."""
    names = [os.path.basename(word) for word in words[:4]]
    if any("ipykernel" in name for name in names):
        return ""
    for name in names:
        if name != "jupyterhub" and re.match(r"jupyter|notebook$|nbclassic$|voila$", name):
            return name
    return ""


def started(pid):
    """When a process started: as the kernel counts, and in seconds since the epoch."""
    fields = text_of(f"/proc/{pid}/stat").rpartition(") ")[2].split()
    boot = re.search(r"^btime ([0-9]+)$", text_of("/proc/stat"), re.MULTILINE)
    if len(fields) < 20 or fields[0] in "ZX" or not boot:
        return "", 0
    return fields[19], int(boot.group(1)) + int(fields[19]) // os.sysconf("SC_CLK_TCK")


def is_nbfab(pid, start, base, runtime):
    """Whether a profile has noted that process; one that was started in a terminal there only inherits the folder."""
    notes = glob.glob(os.path.join(glob.escape(base), "*", "started"))
    if runtime:
        notes.append(os.path.join(os.path.dirname(runtime), "started"))
    return any(text_of(note).split()[1:3] == [str(pid), start] for note in notes)


def runtime_folders(variables):
    """Where a process may have written its runtime file (jupyter_core.paths.jupyter_runtime_dir)."""
    given = variables.get("JUPYTER_RUNTIME_DIR")
    if given:
        return [given]
    home = variables.get("HOME") or os.path.expanduser("~")
    data = variables.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    places = [os.path.join(variables.get("JUPYTER_DATA_DIR") or os.path.join(data, "jupyter"), "runtime")]
    if variables.get("XDG_RUNTIME_DIR"):
        places.append(os.path.join(variables["XDG_RUNTIME_DIR"], "jupyter"))
    return places


def note_of(pid, ports, folders):
    """The runtime file of a process, and its path; nothing if none fits."""
    for folder in folders:
        for kind in ("jpserver", "nbserver"):
            path = os.path.join(folder, f"{kind}-{pid}.json")
            try:
                known = json.loads(text_of(path))
            except (ValueError, RecursionError):
                continue
            if isinstance(known, dict) and known.get("pid") == pid and known.get("port") in ports:
                return known, path
    return {}, ""


def candidates(base):
    """The servers, not yet asked."""
    where = listening()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if os.stat("/proc/" + name).st_uid != os.getuid():
                continue
        except OSError:
            continue
        pid = int(name)
        words = text_of(f"/proc/{pid}/cmdline").split("\0")
        app = app_in(words)
        at = sorted({where[inode] for inode in sockets(pid) if inode in where}, key=lambda one: one[1]) if app else []
        if not at:
            continue
        pairs = (entry.partition("=") for entry in text_of(f"/proc/{pid}/environ").split("\0"))
        variables = {key: value for key, _, value in pairs}
        start, since = started(pid)
        if not start or is_nbfab(pid, start, base, variables.get("JUPYTER_RUNTIME_DIR", "")):
            continue
        known, path = note_of(pid, {port for _, port in at}, runtime_folders(variables))
        given = next((word.partition("=")[2] for word in words if re.match(r"--\w+\.base_url=", word)), "/")
        yield {
            "pid": pid,
            "start": start,
            "since": since,
            "app": app,
            "at": at,
            "note": known,
            "path": path,
            "base": str(known.get("base_url") or given),
        }


class Asked:
    """A connection to a server, over TLS or not; the certificate does not matter, since its process is known."""

    def __init__(self, host, port, tls):
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.connection = http.client.HTTPSConnection(host, port, timeout=ANSWER, context=context)
        else:
            self.connection = http.client.HTTPConnection(host, port, timeout=ANSWER)
        self.connection.connect()
        shown = self.connection.sock.getpeercert(binary_form=True) if tls else b""
        self.fingerprint = hashlib.sha256(shown).hexdigest() if shown else ""

    def get(self, path, token=""):
        """The status of an answer, and what it holds if that is JSON."""
        headers = {"Authorization": "token " + token} if token else {}
        self.connection.request("GET", path, headers=headers)
        response = self.connection.getresponse()
        body = response.read(LARGEST)
        try:
            return response.status, json.loads(body.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return response.status, None


def is_status(value):
    """Whether that is what Jupyter answers for its status."""
    return isinstance(value, dict) and isinstance(value.get("kernels"), int) and "last_activity" in value


def ask(server, host, port, tls, wanted):
    """What is known of a server once it has answered at that place; nothing if it is none of Jupyter's."""
    base = server["base"].rstrip("/")
    token = server["note"].get("token")
    token = token if isinstance(token, str) else ""
    asked = Asked(EVERY.get(host, host), port, tls)
    status, said = asked.get(base + "/api/status")
    is_open = status == 200 and is_status(said)
    if not is_open and status not in REFUSED:
        return {} if not server["path"] else {"tls": tls, "open": None, "why": f"it answers with status {status}"}
    known = {"tls": tls, "open": is_open, "fingerprint": asked.fingerprint, "kernels": None, "terminals": None}
    if not is_open and token:
        status, said = Asked(EVERY.get(host, host), port, tls).get(base + "/api/status", token)
    if status == 200 and is_status(said):
        known["kernels"] = said["kernels"]
        if port == wanted:
            status, said = Asked(EVERY.get(host, host), port, tls).get(base + "/api/terminals", token)
            rows = said if isinstance(said, list) else []
            known["terminals"] = [str(row.get("name")) for row in rows if isinstance(row, dict)]
    return known


def looked_at(server, wanted, found):
    """Adds to those found what is known of a server."""
    note = server["note"]
    at = [one for one in server["at"] if not note or one[1] == note["port"]]
    first, why = {"tls": None, "open": None, "fingerprint": "", "kernels": None, "terminals": None}, ""
    for host, port in at[:PORTS]:
        for tls in (True, False) if note.get("secure") else (False, True):
            try:
                answer = ask(server, host, port, tls, wanted)
            except (OSError, ValueError, http.client.HTTPException) as error:
                why = f"{type(error).__name__}: {error}"
                continue
            if answer:
                first.update(answer, port=port)
            why = "" if answer else "no"
            break
        if "port" in first:
            break
    if "port" not in first and why == "no":
        return  # something else answers, such as a slide show
    port = first.get("port", at[0][1])
    folder = note.get("root_dir") or note.get("notebook_dir") or ""
    found.append(
        dict(
            {"why": why, "port": port, **first},
            pid=server["pid"],
            start=server["start"],
            since=server["since"],
            app=server["app"],
            version=str(note.get("version") or ""),
            folder=folder if isinstance(folder, str) else "",
            base=server["base"],
            note=server["path"],
            token=bool(note.get("token")),
            addresses=sorted({host for host, number in server["at"] if number == port}),
        )
    )


def main(base, wanted):
    """Prints them."""
    if not os.path.exists("/proc/net/tcp"):
        return print("null")
    found, threads = [], []
    for server in candidates(base):
        if len(threads) == MOST:
            break
        threads.append(threading.Thread(target=looked_at, args=(server, wanted, found), daemon=True))
        threads[-1].start()
    end = time.monotonic() + WHOLE
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    print(json.dumps(sorted(found, key=lambda one: one["port"])))
    sys.stdout.flush()
    os._exit(0)  # not waiting for one that does not answer


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else 0)
