"""Runs on the host: asks the notebook server, verified against our certificate, and prints its answer as JSON.

Called as `python -c CODE FOLDER PID CERTIFICATE SECONDS PORT [DO [KERNEL]]`: waits up to SECONDS for it to be ready.
Ready means: HTTPS with the CERTIFICATE in FOLDER, byte for byte, and the token that process PID wrote into its 0600
runtime file is accepted, so it is that process that answers. Exits with 0 if it is ready at PORT, 10 if at another
port, and 11 if it is not ready; then the reason is on standard error too. As for what to DO, `usage` adds what kernels
take; with `end`, the server first ends every session, with `interrupt` or `shutdown` that KERNEL. Works with Python 3.8
and later.
"""

import glob
import http.client
import json
import os
import ssl
import sys
import time

folder, pid, certificate, seconds, port = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), sys.argv[5]
does, kernel_id = [*sys.argv[6:], "", ""][:2]


def info():
    for path in glob.glob(os.path.join(glob.escape(folder), "runtime", f"*server-{pid}.json")):
        with open(path) as file:
            return json.load(file)
    raise OSError(f"process {pid} has not written its runtime file")


def leaf():
    """The certificate that is first in the PEM."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    with open(os.path.join(folder, certificate), errors="replace") as file:  # of what stands beside it
        body = file.read().partition(begin)[2].partition(end)[0]
    return ssl.PEM_cert_to_DER_cert(begin + body + end)


class Another(Exception):
    """The server has another certificate."""


class Proven(http.client.HTTPSConnection):
    """Sends nothing until the server has shown that certificate; the handshake proves that it has its key.

    So it does not matter who has issued it, for which names and until when.
    """

    def connect(self):
        before = leaf()
        super().connect()
        # The file may have been replaced meanwhile; the server reads it anew for each connection.
        if self.sock.getpeercert(binary_form=True) not in (before, leaf()):
            self.close()
            raise Another("its certificate is not the profile's")


def show_who_asks(context):
    """Presents our own certificate, for a server that admits only some clients; and looks whether it can admit any."""
    own, admitted = os.path.join(folder, "probe.pem"), os.path.join(folder, "clients.pem")
    if not os.path.exists(own):
        return
    try:
        context.load_cert_chain(own)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(admitted)
    except OSError as error:  # also one of ssl
        # The server would let every connection hang.
        broken = own if not isinstance(error, FileNotFoundError) and not loads(own) else admitted
        raise OSError(f"it admits no one: {broken} cannot be read") from None


def loads(own):
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(own)
    except OSError:
        return False
    return True


def ask():
    served = info()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    show_who_asks(context)
    address = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}
    host = served.get("hostname", "")
    connection = Proven(address.get(host, host), served["port"], timeout=30 if kernel_id else 5, context=context)
    token = {"Authorization": "token " + served["token"]}

    def do(method, path):
        connection.request(method, path, headers=token)
        response = connection.getresponse()
        body = response.read()
        if response.status not in (200, 204):
            more = "; not all may have ended" if does == "end" else ""
            raise OSError(f"{method} {path} answers {response.status} {response.reason}{more}")
        return body

    if does == "end" and not json.loads(do("POST", "/nbfab-end")).get("forgotten"):
        raise OSError("POST /nbfab-end is done; not all may have ended")
    if does == "interrupt":
        do("POST", f"/api/kernels/{kernel_id}/interrupt")
    if does == "shutdown":
        do("DELETE", f"/api/kernels/{kernel_id}")

    def get(path):
        # Both servers count a request without this as activity, and a look must not keep an idle server alive.
        connection.request("GET", f"{path}?no_track_activity=1", headers=token)
        response = connection.getresponse()
        body = response.read()
        if path == "/api/status" and response.status != 200:
            raise OSError(f"GET {path} answers {response.status} {response.reason}")
        return json.loads(body) if response.status == 200 else []

    live = get("/api/status").get("kernels")
    notebooks = {session["kernel"]["id"]: session.get("path", "") for session in get("/api/sessions")} if live else {}
    usage = get("/nbfab-kernels") if live and does == "usage" else {}  # a server of an earlier release has none
    return {
        "ready": True,
        "port": served["port"],
        "kernels": [
            {
                "id": kernel["id"],
                "notebook": notebooks.get(kernel["id"], ""),
                "state": kernel.get("execution_state", ""),
                "last_activity": kernel.get("last_activity", ""),
                "usage": dict(usage).get(kernel["id"]),
            }
            for kernel in (get("/api/kernels") if live else [])
        ],
        "terminals": [terminal["name"] for terminal in get("/api/terminals")],
        "guard": get("/nbfab-status") or None,  # nor this
    }


end = time.monotonic() + seconds
while True:
    try:
        answer = ask()
        break
    except (Another, OSError, ValueError, KeyError, http.client.HTTPException) as error:
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, Another):
            reason = str(error)
        answer = {"ready": False, "reason": reason}
    try:
        os.kill(pid, 0)
    except OSError:
        break
    if time.monotonic() > end:
        break
    time.sleep(0.1)
print(json.dumps(answer))
if not answer["ready"]:
    print(answer["reason"], file=sys.stderr)
    sys.exit(11)
sys.exit(0 if str(answer["port"]) == port else 10)
