"""The Python interface."""

from __future__ import annotations

import gc
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import analyzer
from analyzer import api, core
from analyzer.capture import files, open_source
from analyzer.core import Limits
from tests.conftest import ROOT, corpus_files, lab_file
from tests.protocols.tls.dialogs import TLS12, Dialog, Ends, capture, private_key
from tests.protocols.tls.recorded import certified

if TYPE_CHECKING:
    from pathlib import Path

HEALTHY = ROOT / "captures" / "http1" / "healthy.pcapng"
REFUSED = ROOT / "captures" / "http1" / "proxy_connect_refused.pcapng"
DNS = ROOT / "captures" / "dns" / "no_answer.pcapng"


def summary(report: core.Report) -> Any:
    return (
        report.capture.frames,
        [(flow.id, flow.initiator, flow.packets, flow.community_id) for flow in report.flows],
        [(one.id, one.kind, one.title, one.outcome, one.facts, one.phases, one.findings) for one in report.sessions],
        [(note.kind, note.text, note.at, note.fields, note.flow) for one in report.sessions for note in one.notes],
        report.findings,
    )


def test_a_report_from_whatever_a_capture_is() -> None:
    expected = summary(analyzer.analyze(HEALTHY))
    assert expected[2][0][1:4] == ("http", "http://example.org/", "established")
    assert summary(analyzer.analyze(str(HEALTHY))) == expected
    assert summary(analyzer.analyze([HEALTHY])) == expected
    assert summary(analyzer.analyze(HEALTHY.read_bytes())) == expected
    assert summary(analyzer.analyze(io.BytesIO(HEALTHY.read_bytes()))) == expected
    with HEALTHY.open("rb") as file:
        assert summary(analyzer.analyze(file)) == expected


def test_several_captures_are_one() -> None:
    report = analyzer.analyze([HEALTHY, DNS])
    assert {session.kind for session in report.sessions} == {"http", "dns"}
    assert len(report.capture.files) == 2


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(analyzer.CaptureError):
        analyzer.analyze(tmp_path / "missing.pcap")
    with pytest.raises(analyzer.CaptureError, match="key log cannot be read"):
        analyzer.analyze(HEALTHY, keylog=tmp_path / "missing.keys")
    (tmp_path / "some.keys").write_text("")
    analyzer.analyze(HEALTHY, keylog=[tmp_path / "some.keys"])
    with pytest.raises(ValueError, match=r"^filter: "):
        analyzer.analyze(HEALTHY, filter="kind =")


def test_filtered_sessions_keep_their_ids_and_findings() -> None:
    whole = analyzer.analyze([REFUSED, DNS])
    report = analyzer.analyze([REFUSED, DNS], filter="kind == dns and outcome == unanswered")
    (session,) = report.sessions
    assert whole.sessions[session.id].title == session.title
    assert [report.findings[number].code for number in session.findings] == ["dns.no-answer"]
    assert [found.id for found in report.findings] == list(range(len(report.findings)))
    assert "http.proxy-connect-refused" not in {found.code for found in report.findings}
    assert len(report.flows) == len(whole.flows)


@pytest.mark.parametrize("jobs", [2, 3])
def test_jobs_share_the_work_and_find_the_same(jobs: int) -> None:
    paths = [*sorted((ROOT / "captures" / "tcp").glob("*.pcapng"))[:6], DNS, REFUSED]
    assert summary(analyzer.analyze(paths, jobs=jobs)) == summary(analyzer.analyze(paths))


@pytest.mark.parametrize("frames", [1, 2, 8192])
def test_a_second_process_is_started_where_there_is_much_to_do(frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = summary(analyzer.analyze(DNS))
    monkeypatch.setattr(files, "CAPACITY", frames)  # in a batch
    monkeypatch.setattr(api, "cores", lambda: 2)
    monkeypatch.setattr(api, "HELP_EARLY", 0)
    for left in (0, 1000):
        monkeypatch.setattr(api, "HELP_ROWS_LEFT", left)
        analysis = api.Analysis(open_source([DNS], limits=Limits()), again=[str(DNS)])
        analysis.run()
        assert len(analysis._workers) == (0 if left else 1)
        assert summary(analysis.report()) == expected


def test_cores_are_counted() -> None:
    assert api.cores() >= 1


def test_jobs_find_the_same_in_a_real_capture() -> None:
    path = lab_file("ws-node-chromium.pcapng")
    assert summary(analyzer.analyze(path, jobs=2)) == summary(analyzer.analyze(path))


def test_a_worker_that_fails_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert summary(analyzer.analyze(DNS, jobs=2)) == summary(analyzer.analyze(DNS))
    monkeypatch.setattr(sys, "executable", "")
    assert summary(analyzer.analyze(DNS, jobs=2)) == summary(analyzer.analyze(DNS))


def test_what_can_be_read_once_is_not_shared(tmp_path: Path) -> None:
    assert not api.shareable(["-"])
    assert not api.shareable([io.BytesIO()])
    assert api.shareable([HEALTHY, b"", str(tmp_path), "nothing*"])


def test_traced_notes_carry_their_fields() -> None:
    notes = [note for session in analyzer.analyze(HEALTHY, trace=True).sessions for note in session.notes]
    trees = {note.kind: note.tree for note in notes}
    assert trees["http.request"]
    assert trees["tcp.syn"]
    assert trees["tcp.syn"][0].name == "source_port"
    assert trees["http.request"][0].name == "request_line"
    assert all(note.tree is None for session in analyzer.analyze(HEALTHY).sessions for note in session.notes)


def test_progress_and_stopping() -> None:
    seen: list[int] = []
    analyzer.analyze(HEALTHY, progress=lambda source: seen.append(source.done_bytes))
    assert seen
    report = analyzer.analyze(HEALTHY, stop=lambda: True, jobs=2)
    assert report.capture.frames == 0
    assert report.sessions == []


def test_an_analysis_can_be_stepped_through() -> None:
    told: list[str] = []

    def keep(_: int, output: core.Note | core.Finding) -> None:
        told.append(output.kind if isinstance(output, core.Note) else output.code)

    limits = Limits()
    analysis = api.Analysis(open_source([HEALTHY], limits=limits, block_bytes=100), limits=limits, on_output=keep)
    assert analysis.step()
    while analysis.step():
        pass
    assert "http.response" in told
    report = analysis.report()
    assert report is analysis.report()
    assert {"tcp.syn", "http.request"} <= {note.kind for note in report.sessions[0].notes}


def test_an_analysis_makes_no_cycles() -> None:
    """What `without_collection` relies on."""
    limits = Limits()
    analyzer.analyze([HEALTHY, DNS, REFUSED])  # what is imported on the way may
    analysis = api.Analysis(open_source([HEALTHY, DNS, REFUSED], limits=limits), limits=limits)
    gc.collect()
    with api.without_collection():
        assert not gc.isenabled()
        while analysis.step():
            pass
        analysis.engine.finish()
        assert gc.collect() == 0
    assert gc.isenabled()


def test_scripts_need_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"import analyzer\nprint(len(analyzer.analyze({str(DNS)!r}, jobs=2).sessions))\n")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.stdout == "2\n"


def test_importing_is_cheap() -> None:
    code = "import sys, json, analyzer; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"numpy", "scapy", "dpkt", "rich", "click", "cryptography", "analyzer.api"}
    assert callable(analyzer.follow)


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_the_corpus_breaks_nothing(path: Path) -> None:
    try:
        report = analyzer.analyze(path)
    except core.CaptureError:
        return
    wrong = [note for one in report.sessions for note in one.notes if note.kind == "engine.internal-error"]
    assert [note.fields for note in wrong] == []


# --- what opens a capture ---------------------------------------------------------------------------------------------


def decrypted(report: core.Report) -> list[object]:
    return [session.facts.get("decrypted") for session in report.sessions]


def test_key_logs_open_connections(tmp_path: Path) -> None:
    ends = [Ends(), Ends()]
    pcap = capture(*(Dialog(one).frames for one in ends))
    paths = [tmp_path / "one", tmp_path / "two"]
    for path, one in zip(paths, ends, strict=True):
        path.write_bytes(one.keys)
    assert decrypted(analyzer.analyze(pcap)) == [False, False]
    assert decrypted(analyzer.analyze(pcap, keylog=paths[0])) == [True, False]
    assert decrypted(analyzer.analyze(pcap, keylog=str(paths[1]))) == [False, True]
    assert decrypted(analyzer.analyze(pcap, keylog=paths)) == [True, True]
    assert decrypted(analyzer.analyze(pcap, keylog=paths, jobs=2)) == [True, True]


def test_private_keys_open_sessions_and_those_that_resume_them(tmp_path: Path) -> None:
    ends = Ends(TLS12, "AES128-SHA")
    first = Dialog(ends)
    pcap = capture(first.frames, Dialog(ends, first.session).frames)
    path = tmp_path / "server.key"
    path.write_bytes(private_key())
    for jobs in (1, 2):
        report = analyzer.analyze(pcap, private_key=path, jobs=jobs)
        assert decrypted(report) == [True, True]
        assert [session.facts["resumed"] for session in report.sessions] == [False, True]
    with pytest.raises(analyzer.CaptureError, match="private key cannot be read"):
        analyzer.analyze(pcap, private_key=tmp_path / "missing")
    locked = tmp_path / "locked.pem"
    locked.write_bytes(private_key(password=b"word"))
    with pytest.raises(core.CaptureError, match="no RSA key that can be read"):
        analyzer.analyze(pcap, private_key=locked)


def test_certificates_are_judged_by_what_is_trusted(tmp_path: Path) -> None:
    ends = Ends()
    pcap, keys, path = capture(Dialog(ends).frames), tmp_path / "keys", tmp_path / "ca.pem"
    keys.write_bytes(ends.keys)
    codes = {found.code for found in analyzer.analyze(pcap, keylog=keys).findings}
    assert "tls.cert-untrusted" in codes
    path.write_bytes(certified("rsa"))
    assert "tls.cert-untrusted" not in {one.code for one in analyzer.analyze(pcap, keylog=keys, ca=path).findings}
    path.write_bytes(b"no certificates")
    with pytest.raises(analyzer.CaptureError, match="holds no certificate"):
        analyzer.analyze(pcap, keylog=keys, ca=path)
    with pytest.raises(analyzer.CaptureError, match="file of certificates cannot be read"):
        analyzer.analyze(pcap, ca=tmp_path / "missing")


def test_a_key_log_may_grow_while_a_capture_is_live(tmp_path: Path) -> None:
    ends = Ends()
    pcap, path = capture(Dialog(ends, sent=(b"x" * 300,) * 20).frames), tmp_path / "keys"
    path.write_bytes(b"")
    limits = Limits()
    source = open_source([pcap], limits=limits, block_bytes=512)
    material = api.Material(keylog=(str(path),))
    analysis = api.Analysis(source, limits=limits, material=material, live=True)
    steps = 0
    while analysis.step():
        steps += 1
        path.write_bytes(ends.keys[: 100 * steps])
    assert steps > 3
    path.write_bytes(ends.keys)
    assert decrypted(analysis.report()) == [True]
