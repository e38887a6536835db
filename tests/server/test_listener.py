"""The socket that requests come in by."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys

import pytest

from puras.server.listener import listen

_LIMITED = """\
import resource
from puras.server.listener import raise_open_files
hard = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
raise_open_files()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
"""


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux cuts them off")
def test_a_reader_that_takes_nothing_for_long_is_cut_off() -> None:
    with (
        listen("127.0.0.1", 0, stall_seconds=1) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        connection.settimeout(60)
        with pytest.raises(OSError, match="timed out") as cut:
            send_for_ever(connection)
    assert cut.value.errno == errno.ETIMEDOUT


def send_for_ever(connection: socket.socket) -> None:
    while True:
        connection.send(b"x" * 65_536)


def test_a_server_has_as_many_files_open_as_the_system_allows() -> None:
    subprocess.run([sys.executable, "-c", _LIMITED], check=True)
