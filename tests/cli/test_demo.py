"""What everybody starts with, live: a Node server with the `websocket` package, and a page in Chromium.

`tests/demo` holds the two; `npm install --prefix tests/demo` gets what the server needs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cli.test_live import SECONDS, reported, running
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEMO: Final = ROOT / "tests" / "demo"
REQUIRED: Final = os.environ.get("ANALYZER_REQUIRE_DEMO") == "1"
EVERY_MS: Final = 300
#: What the page and the server say, in their order: the page leaves after the third greeting.
SAID: Final = ["hello from the page", "hello 1", "hello 2", "hello 3"]


@contextmanager
def node_server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The server, and the port that it listens on."""
    command = ["node", str(DEMO / "server.cjs"), str(EVERY_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server, int(server.stdout.readline())
        finally:
            server.kill()


@contextmanager
def browser(url: str, profile: Path) -> Iterator[None]:
    command = [
        "chromium",
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--no-proxy-server", "--remote-debugging-port=0", f"--user-data-dir={profile}", url),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=SECONDS)


def missing() -> list[str]:
    absent = [name for name in ("node", "chromium") if shutil.which(name) is None]
    return absent if (DEMO / "node_modules").exists() else [*absent, "the package websocket"]


@pytest.mark.live
def test_a_page_and_a_server_are_told_live_and_reported_from_the_file(tmp_path: Path) -> None:
    if missing():
        (pytest.fail if REQUIRED else pytest.skip)(f"not here: {', '.join(missing())}")
    path = tmp_path / "demo.pcapng"
    with node_server() as (server, port):
        arguments = ("lo", "-f", f"tcp port {port}", "--write", path, "--format", "jsonl")
        with running(*arguments, "--duration", "60") as process:
            time.sleep(0.5)
            with browser(f"http://localhost:{port}/", tmp_path / "profile"):
                assert server.wait(timeout=50) == 0
            time.sleep(0.5)
            process.terminate()
            out, _ = process.communicate(timeout=SECONDS)
    lines = [json.loads(line) for line in out.splitlines()]
    told = [line for line in lines if line["type"] == "note"]
    assert spoken(told) == SAID
    closes = [note["fields"]["close_code"] for note in told if note["kind"] == "websocket.close"]
    assert closes[0] == {"value": 1005, "name": "No Status Received"} or closes[0] is None
    report = json.loads(reported(path, "--format", "json"))
    (session,) = [session for session in report["sessions"] if session["kind"] == "websocket"]
    assert spoken(session["notes"]) == SAID
    assert (session["title"], session["outcome"]) == (f"ws://localhost:{port}/", "established")
    names = [phase["name"] for phase in session["phases"]]
    assert names[:2] == ["tcp", "upgrade"]
    assert not [finding for finding in report["findings"] if finding["severity"] in ("error", "warning")]


def spoken(notes: list[dict[str, Any]]) -> list[str]:
    return [note["fields"]["message"] for note in notes if note["kind"] == "websocket.text"]
