"""A link between two network namespaces whose packets take their time: python delay.py PID_A PID_B MILLISECONDS

The kernel's own way, `tc netem`, is often not there. This opens a TUN device in each namespace, wan0 in that of process
PID_A and wan1 in that of PID_B, and hands every IP packet over after MILLISECONDS. Prints `ready`; ends on SIGTERM.
"""

import ctypes
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

CLONE_NEWNET = 0x40000000  # sched.h
TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
QUEUE = 20000  # packets on their way, in each direction; as on any link, more are lost


def tun(pid: str, name: str) -> int:
    """A TUN device `name` in the network namespace of process `pid`."""
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(namespace)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def main() -> None:
    """Hands packets over, until it is ended."""
    ends = [tun(sys.argv[1], "wan0"), tun(sys.argv[2], "wan1")]
    delay = float(sys.argv[3]) / 1000
    queues: list[deque[tuple[float, bytes]]] = [deque(), deque()]
    print("ready", flush=True)
    while True:
        due = min((queue[0][0] for queue in queues if queue), default=None)
        wait = None if due is None else max(0.0, due - time.monotonic())
        readable, _, _ = select.select(ends, [], [], wait)
        now = time.monotonic()
        for end in readable:
            queue = queues[ends.index(end)]
            try:
                while len(queue) < QUEUE:
                    queue.append((now + delay, os.read(end, 2000)))
            except BlockingIOError:
                pass
        for end, queue in zip(reversed(ends), queues, strict=True):
            while queue and queue[0][0] <= now:
                try:
                    os.write(end, queue[0][1])
                except BlockingIOError:
                    break
                except OSError:
                    pass  # a packet for an interface that is down is lost, as on any link
                queue.popleft()


if __name__ == "__main__":
    main()
