"""Runs on a host of a cluster: connects to the ports of the others, and asks the scheduler which workers it has.

Called as `python -c CODE FOLDER SECONDS TARGETS EXPECTED DASHBOARD`, with the profile's FOLDER. TARGETS is a JSON array
of [host, address, first port, last port], and EXPECTED one of the addresses of workers that the scheduler is to have,
or empty if it is not to be asked. DASHBOARD is the port of its dashboard, or empty if it is not on this host.

Prints one line of JSON: the ports that are `closed`, each with host, address and why; and the `workers`, each with its
address, its threads and its limit of memory in bytes, or null; or why the scheduler `fails` to say so. While the
members start, it is asked for workers alone, beside them: for that it imports little. Works with Python 3.8 and later.
"""

import json
import os
import socket
import sys
import time

MOST = 1000  # that are told of
MOST_BYTES = 50_000_000  # of what the dashboard says, which is some thousand for each worker
GIVE_UP = 3  # attempts that time out: what drops packets drops all of them


def context(folder):
    import ssl

    made = ssl.create_default_context(cafile=folder + "/cluster/ca.pem")
    made.check_hostname = False  # as Dask does: its certificates have no names
    made.load_cert_chain(folder + "/cluster/node.pem")
    return made


def why_closed(target, end, tls):
    """Why a port is closed; empty if it is not, or if it is once what should listen there has started."""
    import ssl

    late = 0
    while True:
        try:
            with socket.create_connection(target[1:], 3) as plain, tls.wrap_socket(plain) as _:
                return ""
        except (ssl.SSLError, ConnectionResetError) as error:
            return "something else than the cluster listens there (%s)" % (getattr(error, "reason", 0) or error)
        except socket.timeout:
            late += 1
            why = "no answer"
        except OSError as error:
            why = error.strerror or str(error)
        if late == GIVE_UP or time.monotonic() > end:
            return why
        time.sleep(0.3)


def closed(targets, end, folder):
    if not targets:
        return []
    import threading

    tls = context(folder)
    found = []
    left = [[host, at, port] for host, at, first, last in targets for port in range(first, last + 1)]
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not left:
                    return
                target = left.pop(0)
            why = why_closed(target, end, tls)
            if why:
                with lock:
                    found.append([*target, why])

    threads = [threading.Thread(target=work) for _ in range(min(32, len(left)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)[:MOST]


def workers(folder, end, expected, dashboard):
    """Those that the scheduler has, once it has all that are expected, or at the end."""
    found = served(folder, end, expected, int(dashboard)) if dashboard else None
    return told(folder, end, expected) if found is None else found


def served(folder, end, expected, dashboard):
    """As the dashboard on this host says; None if it does not answer, though the scheduler listens, or at the end."""
    with open(folder + "/cluster/dask.yaml", encoding="utf-8") as config:
        at = json.load(config)["scheduler-address"]
    while True:
        found = listed(dashboard, at)
        late = time.monotonic() > end
        if late or (listens(at) if found is None else {*expected} <= {each[0] for each in found}):
            return found
        time.sleep(0.2)


def listed(port, at):
    """Those of the scheduler `at` an address; None if its dashboard is not what answers at the port."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as link:
            link.sendall(b"GET /json/identity.json HTTP/1.0\r\nHost: localhost\r\n\r\n")
            with link.makefile("rb") as answer:
                scheduler = json.loads(answer.read(MOST_BYTES).partition(b"\r\n\r\n")[2])
        if scheduler["address"] != at:
            return None
        every = scheduler["workers"].items()
        return rows((address, each["nthreads"], each["memory_limit"]) for address, each in every)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def rows(every):
    return sorted([address.rpartition("//")[2], *more] for address, *more in every)[:MOST]


def listens(at):
    host, _, port = at.rpartition("//")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), 3).close()
    except OSError:
        return False
    return True


def told(folder, end, expected):
    """As Dask's client is told by the scheduler, wherever that is. To import the client takes half a second."""
    os.environ["DASK_CONFIG"] = folder + "/cluster/dask.yaml"
    from distributed import Client

    end = max(end, time.monotonic() + 5)  # the import may have taken long
    with Client(timeout=max(1, end - time.monotonic()), set_as_default=False) as client:
        while True:
            found = rows(client.run_on_scheduler(_workers))
            if {*expected} <= {each[0] for each in found} or time.monotonic() > end:
                return found
            time.sleep(0.2)


def _workers(dask_scheduler):
    return [[each.address, each.nthreads, each.memory_limit] for each in dask_scheduler.workers.values()]


if __name__ == "__main__":
    folder, seconds, targets, expected, dashboard = sys.argv[1:]
    end = time.monotonic() + float(seconds)
    answer = {"closed": closed(json.loads(targets), end, folder)}
    if expected:
        try:
            answer["workers"] = workers(folder, end, json.loads(expected), dashboard)
        except Exception as error:
            answer["fails"] = str(error)[:500] or type(error).__name__
    print(json.dumps(answer))
