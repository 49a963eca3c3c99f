"""Key logs: what lines say, files that grow, and secrets inside a capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import CaptureError, Limits, Secrets
from analyzer.engine import keylog
from analyzer.engine.keylog import KeyLog, KeyLogs, add_lines

if TYPE_CHECKING:
    from pathlib import Path

RANDOM, OTHER = bytes(range(32)), bytes(range(32, 64))
MASTER, SECRET = b"\xab" * 48, b"\xcd" * 32
#: RFC 9850 §2.1 to §2.3
LABELS = [
    "CLIENT_RANDOM",
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "EARLY_EXPORTER_SECRET",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "CLIENT_TRAFFIC_SECRET_1",
    "EXPORTER_SECRET",
    "ECH_SECRET",
    "ECH_CONFIG",
]


def line(label: str = "CLIENT_RANDOM", random: bytes = RANDOM, secret: bytes = MASTER) -> bytes:
    return f"{label} {random.hex()} {secret.hex()}\n".encode()


def read(text: bytes, limits: Limits | None = None) -> tuple[Secrets, int]:
    secrets = Secrets()
    broken = add_lines(secrets, text, limits or Limits())
    return secrets, broken


@pytest.mark.parametrize("label", LABELS)
def test_every_label_is_remembered(label: str) -> None:
    secrets, broken = read(line(label, secret=SECRET))
    assert secrets.find(RANDOM) == {label: SECRET}
    assert (broken, secrets.version) == (0, 1)
    assert secrets.find(OTHER) is None


def test_lines_of_one_connection_come_together() -> None:
    secrets, _ = read(b"".join(line(label, secret=SECRET) for label in LABELS) + line(random=OTHER))
    assert secrets.find(RANDOM) == dict.fromkeys(LABELS, SECRET)
    assert secrets.find(OTHER) == {"CLIENT_RANDOM": MASTER}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\n\r\n"])
def test_ends_of_lines(end: bytes) -> None:
    text = end.join((b"# SSL/TLS secrets", line().strip(), b"", b"  # indented", line(random=OTHER).strip()))
    secrets, broken = read(text)
    assert set(secrets.lines) == {RANDOM, OTHER}
    assert broken == 0


def test_upper_case_and_blanks() -> None:
    text = f"  CLIENT_RANDOM\t{RANDOM.hex().upper()}  {MASTER.hex().upper()} \n".encode()
    assert read(text)[0].find(RANDOM) == {"CLIENT_RANDOM": MASTER}


def test_a_byte_order_mark_is_no_part_of_the_label() -> None:
    assert read(b"\xef\xbb\xbf" + line())[0].find(RANDOM) == {"CLIENT_RANDOM": MASTER}


@pytest.mark.parametrize(
    "wrong",
    [
        b"CLIENT_RANDOM",
        b"CLIENT_RANDOM " + RANDOM.hex().encode(),
        line().strip() + b" more",
        line(random=RANDOM[:-1]),
        line(random=RANDOM + b"x"),
        line(secret=b""),
        line(secret=bytes(2001)),
        line().replace(b"ab", b"zz", 1),
        line().replace(b"abab", b"aba", 1),
        line("SCHL\u00dcSSEL"),
        line().replace(b"ab", "\u0661\u0662".encode(), 1),
        b"\xff\xfe" + line().decode().encode("utf-16-le"),
        b"CLIENT_RANDOM " + RANDOM.hex().encode() + b" " + b"ab" * 4096,
        b"RSA Session-ID:00 Master-Key:00",
    ],
)
def test_what_is_no_line_is_counted(wrong: bytes) -> None:
    secrets, broken = read(wrong.rstrip(b"\n") + b"\n" + line(random=OTHER))
    assert set(secrets.lines) == {OTHER}
    assert broken >= 1


@given(st.binary(max_size=300))
def test_any_bytes(text: bytes) -> None:
    secrets, broken = read(text)
    assert broken <= len(text)
    assert (secrets.version > 0) == bool(secrets.lines)


def test_the_limit_of_connections_is_kept_and_counted() -> None:
    text = b"".join(line(random=bytes([number]) * 32) for number in range(10))
    secrets, broken = read(text + line("EXPORTER_SECRET", bytes([3]) * 32), Limits(secrets=4))
    assert len(secrets.lines) == 4
    assert broken == 6
    assert set(secrets.lines[bytes([3]) * 32]) == {"CLIENT_RANDOM", "EXPORTER_SECRET"}


def test_one_random_cannot_have_labels_without_end() -> None:
    secrets, _ = read(b"".join(line(f"LABEL_{number}") for number in range(1000)))
    assert len(secrets.lines[RANDOM]) == 64


def test_nothing_new_is_no_news() -> None:
    secrets = Secrets()
    add_lines(secrets, b"# nothing\nbroken\n", Limits())
    assert secrets.version == 0


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_growing_file(tmp_path: Path) -> None:
    path, secrets = tmp_path / "keys", Secrets()
    path.write_bytes(b"")
    log = KeyLog(path, secrets, Limits())
    first, second = line(), line(random=OTHER)
    path.write_bytes(first[:50])
    log.poll()
    assert not secrets.lines
    path.write_bytes(first + second[:-1])
    log.poll()
    assert set(secrets.lines) == {RANDOM}
    version = secrets.version
    log.poll()
    assert secrets.version == version
    log.poll(last=True)
    assert set(secrets.lines) == {RANDOM, OTHER}
    assert log.broken == 0


@given(st.lists(st.integers(1, 200), max_size=30))
def test_however_a_file_grows(tmp_path_factory: pytest.TempPathFactory, steps: list[int]) -> None:
    whole = b"# begun\r\n" + b"".join(line(random=bytes([number]) * 32) for number in range(5)) + b"broken\n" + line()
    path, secrets = tmp_path_factory.mktemp("log") / "keys", Secrets()
    path.write_bytes(b"")
    log = KeyLog(path, secrets, Limits())
    at = 0
    for step in [*steps, len(whole)]:
        with path.open("ab") as file:
            file.write(whole[at : at + step])
        at += step
        log.poll()
    log.poll(last=True)
    assert len(secrets.lines) == 6
    assert log.broken == 1


def test_a_large_file_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keylog, "READ_BYTES", 100)
    path, secrets = tmp_path / "keys", Secrets()
    path.write_bytes(b"".join(line(random=bytes([number]) * 32) for number in range(50)))
    KeyLog(path, secrets, Limits())
    assert len(secrets.lines) == 50


def test_a_file_that_begins_anew(tmp_path: Path) -> None:
    path, secrets = tmp_path / "keys", Secrets()
    path.write_bytes(line() * 3 + b"CLIENT_RANDOM 0102")
    log = KeyLog(path, secrets, Limits())
    path.write_bytes(line(random=OTHER))
    log.poll()
    assert set(secrets.lines) == {RANDOM, OTHER}
    assert log.broken == 0


def test_files_with_lines_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(line())
    bad.write_bytes(b"broken\n" + line() + b"broken too\n")
    logs = KeyLogs(Secrets(), Limits(), [good, bad])
    logs.poll(last=True)
    (problem,) = logs.problems
    assert (problem.code, problem.file) == ("keylog.lines", str(bad))
    assert problem.text.startswith("2 lines of the key log could not be used")


def test_a_line_without_end_is_not_kept(tmp_path: Path) -> None:
    path, secrets = tmp_path / "keys", Secrets()
    path.write_bytes(b"x" * (3 << 20))
    log = KeyLog(path, secrets, Limits())
    with path.open("ab") as file:
        file.write(b"\n" + line())
    log.poll()
    assert set(secrets.lines) == {RANDOM}
    assert log.broken == 1


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"keys: the key log cannot be read: No such file"):
        KeyLog(tmp_path / "keys", Secrets(), Limits())
    with pytest.raises(CaptureError, match=r"the key log cannot be read: Is a directory"):
        KeyLogs(Secrets(), Limits(), [tmp_path])
    with pytest.raises(CaptureError, match=r"rsa: the private key cannot be read: No such file"):
        KeyLogs(Secrets(), Limits(), [], [tmp_path / "rsa"])


# --- all together -----------------------------------------------------------------------------------------------------


def test_several_files_and_blocks_of_the_capture(tmp_path: Path) -> None:
    for name, random in (("one", RANDOM), ("two", OTHER)):
        (tmp_path / name).write_bytes(line(random=random).rstrip())
    secrets = Secrets()
    logs = KeyLogs(secrets, Limits(), [tmp_path / "one", str(tmp_path / "two")])
    assert secrets.given
    logs.poll(last=True)
    assert set(secrets.lines) == {RANDOM, OTHER}
    blocks = [line("EXPORTER_SECRET", secret=SECRET)]
    logs.take(blocks)
    version = secrets.version
    logs.take(blocks)
    assert secrets.version == version
    blocks.append(line(random=bytes(32)))
    logs.take(blocks)
    assert secrets.version == version + 1
    assert set(secrets.lines) == {RANDOM, OTHER, bytes(32)}


def test_nothing_given_is_known_as_such(tmp_path: Path) -> None:
    secrets = Secrets()
    logs = KeyLogs(secrets, Limits())
    assert not secrets.given
    logs.take([line()])
    assert secrets.given
    (tmp_path / "rsa").write_bytes(b"a key")
    secrets = Secrets()
    KeyLogs(secrets, Limits(), [], [tmp_path / "rsa"])
    assert secrets.given
    assert secrets.private_keys == [b"a key"]
