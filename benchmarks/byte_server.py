"""Sends 100 MB, or takes them: python byte_server.py PORT. A connection begins with one byte, `D` or `U`."""

import socket
import sys
import threading

SIZE = 100_000_000
PIECE = bytes(1 << 20)


def serve(connection: socket.socket) -> None:
    """Does what a connection asks for."""
    with connection:
        if connection.recv(1) == b"D":
            left = SIZE
            while left:
                left -= connection.send(PIECE[:left])
            return
        buffer = bytearray(1 << 20)
        while connection.recv_into(buffer):
            pass
        connection.sendall(b"k")


def main(port: str) -> None:
    """Serves until it is ended."""
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1])
