"""Runs on a host of a cluster: connects to the ports of the others, and asks the scheduler which workers it has.

Called as `python -c CODE FOLDER SECONDS TARGETS ASK EXPECTED`, with the profile's FOLDER. TARGETS is a JSON array of
[host, address, first port, last port], and EXPECTED one of the addresses of workers that the scheduler is to have; it
is asked if ASK is not empty. Prints one line of JSON: the ports that are `closed`, each with host, address and why; and
the `workers`, each with its address, its threads and its limit of memory in bytes, or null; or why the scheduler
`fails` to say so. Works with Python 3.8 and later.
"""

import json
import os
import socket
import ssl
import sys
import threading
import time

MOST = 1000  # that are told of
GIVE_UP = 3  # attempts that time out: what drops packets drops all of them


def context(folder):
    made = ssl.create_default_context(cafile=folder + "/cluster/ca.pem")
    made.check_hostname = False  # as Dask does: its certificates have no names
    made.load_cert_chain(folder + "/cluster/node.pem")
    return made


def why_closed(target, end, tls):
    """Why a port is closed; empty if it is not, or if it is once what should listen there has started."""
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


def closed(targets, end, tls):
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


def workers(folder, end, expected):
    """Those that the scheduler has, once it has all that are expected, or at the end."""
    os.environ["DASK_CONFIG"] = folder + "/cluster/dask.yaml"
    from distributed import Client

    end = max(end, time.monotonic() + 5)  # the import may have taken long
    with Client(timeout=max(1, end - time.monotonic()), set_as_default=False) as client:
        while True:
            found = client.run_on_scheduler(_workers)
            missing = {*expected} - {each[0] for each in found}
            if not missing or time.monotonic() > end:
                return found
            time.sleep(0.2)


def _workers(dask_scheduler):
    every = dask_scheduler.workers.values()
    return sorted([each.address.rpartition("//")[2], each.nthreads, each.memory_limit] for each in every)[:1000]


if __name__ == "__main__":
    folder, seconds, targets, ask, expected = sys.argv[1:]
    end = time.monotonic() + float(seconds)
    told = {}

    told["closed"] = closed(json.loads(targets), end, context(folder))
    if ask:  # last: what that takes to import would keep members from starting
        try:
            told["workers"] = workers(folder, end, json.loads(expected))
        except Exception as error:
            told["fails"] = str(error)[:500] or type(error).__name__
    print(json.dumps(told))
