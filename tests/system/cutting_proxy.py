"""A TCP proxy that cuts its connections in the middle of the answer, at bytes chosen by a seed."""

from __future__ import annotations

import random
import selectors
import socket
import struct
import threading
from typing import cast
from urllib.parse import urlsplit

_RESET = struct.pack("ii", 1, 0)


class CuttingProxy:
    """Passes bytes on, and ends each connection after `least` to `most` bytes of answer."""

    def __init__(self, upstream: str, *, seed: int, least: int, most: int) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._random = random.Random(seed)
        self._least, self._most = least, most
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._open: set[socket.socket] = set()
        self._closed = False
        self.cuts = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._closed = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            _end(connection)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            budget = self._random.randint(self._least, self._most)
            resets = self._random.random() < 0.5
            threading.Thread(target=self._serve, args=(client, budget, resets), daemon=True).start()

    def _serve(self, client: socket.socket, budget: int, resets: bool) -> None:
        """Serve one connection in one thread: a reset needs the only hand on the socket."""
        with client, socket.create_connection(self._upstream) as server:
            self._open |= {client, server}
            try:
                if _pass_on(client, server, budget=budget):
                    self.cuts += 1
                    if resets:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            except OSError:
                pass  # one of the two hung up
            finally:
                self._open -= {client, server}


def _pass_on(client: socket.socket, server: socket.socket, *, budget: int) -> bool:
    """Pass bytes both ways until one side ends; tell whether the answer's budget was used up."""
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _ in selector.select():
                data = cast("socket.socket", key.fileobj).recv(65_536)
                if not data:
                    return False
                if key.data is client and len(data) >= budget:
                    client.sendall(data[:budget])
                    return True
                key.data.sendall(data)
                budget -= len(data) if key.data is client else 0


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
