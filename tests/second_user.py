"""A second user of a machine, who tries to read a kernel and to run code in it: python second_user.py

Reads a line of JSON: `tcp`, ports on loopback, `unix`, paths of sockets (abstract ones begin with a NUL), and `proof`,
a file that code would write which the owner is made to run. Asks each of them to debug, subscribes to it, and sends it
a request to execute. Prints as JSON what was `heard`, by endpoint, and the endpoints that could be `reached`.
"""

import json
import select
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import zmq

PATIENCE = 2.0  # seconds for an answer


def address(endpoint: str) -> "tuple[int, Any]":
    """The family and address of an endpoint as ZeroMQ writes it."""
    kind, _, place = endpoint.partition("://")
    if kind == "tcp":
        host, _, port = place.rpartition(":")
        return socket.AF_INET, (host, int(port))
    return socket.AF_UNIX, "\0" + place[1:] if place.startswith("@") else place


def publishes(endpoints: "list[str]", code: str) -> "dict[str, str]":
    """What they publish to a subscriber; and asks them to execute code meanwhile."""
    heard: dict[str, str] = {}
    with zmq.Context() as context:
        poller, names = zmq.Poller(), {}
        for endpoint in endpoints:
            for kind in (zmq.SUB, zmq.DEALER):
                client = context.socket(kind)
                client.linger = 0
                if kind == zmq.SUB:
                    client.subscribe(b"")
                client.connect(endpoint)
                poller.register(client, zmq.POLLIN)
                names[client] = endpoint
        header = {"msg_id": "1", "session": "1", "username": "", "date": "", "msg_type": "execute_request"}
        content = {"code": code, "silent": False, "allow_stdin": False, "user_expressions": {}}
        parts = [
            b"<IDS|MSG>",
            b"",
            *(json.dumps(part).encode() for part in ({**header, "version": "5.3"}, {}, {}, content)),
        ]
        for client in names:
            if client.type == zmq.DEALER:
                client.send_multipart(parts, zmq.NOBLOCK)
        end = time.monotonic() + PATIENCE
        while (left := end - time.monotonic()) > 0:
            for client, _ in poller.poll(int(left * 1000)):
                text = b" ".join(client.recv_multipart()).decode(errors="replace")
                heard[names[client]] = heard.get(names[client], "") + text
        for client in names:
            client.close()
    return heard


def debugs(endpoint: str, code: str) -> "str | None":
    """What it answers to a debugger that wants to run code; None if it cannot be connected to."""
    said = b""
    requests: list[dict[str, Any]] = [
        {"command": "initialize", "arguments": {"adapterID": "x", "clientID": "x", "pathFormat": "path"}},
        {"command": "attach", "arguments": {"justMyCode": False}},
        {"command": "configurationDone", "arguments": {}},
        {"command": "evaluate", "arguments": {"expression": code, "context": "repl"}},
    ]
    family, place = address(endpoint)
    with socket.socket(family) as client:
        client.settimeout(PATIENCE)
        try:
            client.connect(place)
        except OSError:
            return None
        try:
            for number, request in enumerate(requests, 1):
                body = json.dumps({"type": "request", "seq": number, **request}).encode()
                client.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                end = time.monotonic() + PATIENCE
                # That to `attach` comes after the one to `configurationDone`.
                while b'"request_seq": %d' % number not in said and (number != 2 or b'"initialized"' not in said):
                    if not select.select([client], [], [], max(0, end - time.monotonic()))[0]:
                        break
                    if not (got := client.recv(65536)):
                        return said.decode(errors="replace")
                    said += got
                if b'"response"' not in said:
                    break
        except OSError:
            pass
    return said.decode(errors="replace")


def main() -> None:
    """Tries everything on all of them."""
    task = json.loads(sys.stdin.readline())
    unix = ["@" + path[1:] if path.startswith("\0") else path for path in task["unix"]]
    endpoints = [*(f"tcp://127.0.0.1:{port}" for port in task["tcp"]), *(f"ipc://{path}" for path in unix)]
    code = f"open({task['proof']!r}, 'a').write('run')"
    # First: debugpy gives up at bytes that are not its protocol's.
    with ThreadPoolExecutor(max_workers=32) as pool:
        said = dict(zip(endpoints, pool.map(lambda endpoint: debugs(endpoint, code), endpoints), strict=True))
    heard = publishes(endpoints, code)
    for endpoint, text in said.items():
        heard[endpoint] = heard.get(endpoint, "") + (text or "")
    print(json.dumps({"heard": heard, "reached": [of for of in endpoints if said[of] is not None]}))


if __name__ == "__main__":
    main()
