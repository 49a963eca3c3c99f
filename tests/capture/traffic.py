"""Traffic on the loopback for tests that capture: sent while a source is open, on ports that no other test uses."""

import http.client
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from analyzer import core
from analyzer.capture.live import LiveSource

BODY = b"spoken\n" * 100


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody uses."""
    with socket.socket(socket.AF_INET, kind) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class Speaker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def web_server() -> Iterator[int]:
    """An HTTP server on the loopback; gives its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Speaker) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def visit(port: int) -> None:
    """One request, answered, and its connection closed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/word")
        assert connection.getresponse().read() == BODY
    finally:
        connection.close()


def send(port: int, *payloads: bytes) -> None:
    """Datagrams to a port that something must hold open, or ICMP errors come back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for payload in payloads:
            sender.sendto(payload, ("127.0.0.1", port))


@contextmanager
def sink() -> Iterator[int]:
    """A UDP port of the loopback where datagrams may arrive; gives its number."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        yield receiver.getsockname()[1]


class Taken:
    """The frames of a source, copied out of its batches."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.times: list[int] = []
        self.lengths: list[int] = []
        self.batches = 0

    def add(self, batch: core.Batch) -> None:
        assert batch.first_frame == len(self.frames) + 1
        self.batches += 1
        for row in range(batch.count):
            start = int(batch.start[row])
            self.frames.append(bytes(batch.data[start : start + int(batch.captured[row])]))
        self.times += batch.time_ns.tolist()
        self.lengths += batch.length.tolist()


def take(source: LiveSource, act: Callable[[], None] | None = None) -> Taken:
    """All frames of `source`, while `act` makes some in a thread."""
    taken = Taken()
    actor = threading.Thread(target=act) if act is not None else None
    if actor is not None:
        actor.start()
    for batch in source:
        taken.add(batch)
    if actor is not None:
        actor.join()
    return taken
