"""Guesses at the login form, and what they do to the server: python benchmarks/guessing.py [SECONDS]

Sixteen guessers at one address that has never logged in, against a server as it comes and one with nbfab's module, on
jupyter_server 2 and, where it is installed, Debian's notebook 6. The goals: 0.2 guesses a second after the first burst;
GET /api takes at most three times as long as on a quiet server, or 5 ms longer.
"""

import http.client
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from argon2 import PasswordHasher
from notebook_servers import Kind, Server

GUESSERS, BURST = 16, 3.0  # how many; the seconds after which the rate counts
FORM = {"Cookie": "_xsrf=x", "Content-Type": "application/x-www-form-urlencoded", "X-Real-Ip": "198.51.100.1"}
LIKE_JUPYTER = PasswordHasher(memory_cost=10240, time_cost=10, parallelism=8)  # jupyter_server.auth.passwd


def guess(port: int) -> None:
    """Guesses as fast as it can until standard input ends. Says so, and how long, what was checked and what refused."""
    began = time.monotonic()
    answers: list[tuple[float, int]] = []
    ended = threading.Event()

    def go() -> None:
        server = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not ended.is_set():
            server.request("POST", "/login", b"_xsrf=x&password=guess", FORM)
            answer = server.getresponse()
            answer.read()
            answers.append((time.monotonic() - began, answer.status))

    guessers = [threading.Thread(target=go) for _ in range(GUESSERS)]
    for guesser in guessers:
        guesser.start()
    print("guessing", flush=True)
    sys.stdin.read()
    seconds = time.monotonic() - began
    ended.set()
    for guesser in guessers:
        guesser.join()
    checked = [at for at, status in answers if status == 401]
    after = [at for at in checked if BURST < at <= seconds]
    print(seconds, len(checked), len(after), len(answers) - len(checked))


def latency(port: int, seconds: float) -> float:
    """The median of GET /api, in milliseconds."""
    server = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        server.request("GET", "/api")
        server.getresponse().read()
        times.append(1000 * (time.perf_counter() - began))
        time.sleep(0.02)
    return statistics.median(times)


def row(name: str, kind: Kind, guard: bool, folder: Path, seconds: float) -> str:
    """One server, quiet and under guessers."""
    server = Server(folder, kind, guard=guard)
    try:
        server.set_password("correct horse battery", LIKE_JUPYTER)
        if not guard:
            server.stop()  # as it comes, it reads its password when it starts
            server.start()
        quiet = latency(server.port, 5)
        command = [sys.executable, __file__, str(seconds), str(server.port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as guessers:
            assert guessers.stdout
            guessers.stdout.readline()
            time.sleep(BURST)
            busy = latency(server.port, seconds)
            said, _ = guessers.communicate()
    finally:
        server.stop()
    took, checked, after, refused = map(float, said.split())
    figures = f"{checked:.0f} | {after / (took - BURST):.2f} | {refused / took:.0f} | {quiet:.2f} | {busy:.2f}"
    return f"| {name} | {figures} | {busy / quiet:.1f} |"


def main(seconds: float) -> None:
    """Prints the table."""
    kinds = {
        "jupyter_server 2": Kind(sys.executable, classic=False),
        "notebook 6": Kind("/usr/bin/python3", classic=True),
    }
    print("| server | checked | checked/s after the burst | refused/s | quiet GET ms | GET ms | ratio |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="guessing") as folder:
        for name, kind in kinds.items():
            if (
                kind.classic
                and subprocess.run([kind.python, "-c", "import notebook.auth"], capture_output=True).returncode
            ):
                continue
            for guard in (False, True):
                what = f"{name}, {'with the module' if guard else 'as it comes'}"
                print(row(what, kind, guard, Path(folder) / what.replace(" ", "-"), seconds), flush=True)


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    if len(sys.argv) > 2:
        guess(int(sys.argv[2]))
    else:
        main(seconds)
