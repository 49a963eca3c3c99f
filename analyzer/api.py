"""The Python interface: `analyze` captures, `follow` an interface, or step through an `Analysis`."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, cast

from analyzer import core
from analyzer.core import Capture, CaptureError, Limits, Note, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from analyzer.engine.engine import Engine
    from analyzer.engine.keylog import KeyLogs
    from analyzer.engine.teller import OnOutput
    from analyzer.report.spool import Spool
    from analyzer.sessions.filter import Filter

    #: A file, a folder, a glob, "-" (standard input), an open file, or the bytes of a capture.
    Path_ = str | os.PathLike[str] | BinaryIO | bytes
    #: A file, or several.
    Files = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
    #: Called between batches with the source, which knows how much of it was read.
    Progress = Callable[[core.Source], None]

#: A second process costs a start and another pass over the file: it is worth it where so many rows will be looked at
#: one by one, and as long as only this part of the file was read.
HELP_ROWS_LEFT: Final = 100_000
HELP_EARLY: Final = 4  # a fourth
#: As `cli.main.run` has it.
QUIET_THREADS: Final = {"OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Material:
    """Files that are given to open a capture, and to judge what is in it.

    `keylog` are files with TLS secrets (RFC 9850), which may grow; `private_keys` RSA keys as PEM, DER or PKCS #12;
    `ca` has the certificates to trust, in place of those that are commonly trusted; `turn_passwords` are users of TURN
    relays with their passwords, `USER:PASSWORD` each.
    """

    keylog: tuple[str, ...] = ()
    private_keys: tuple[str, ...] = ()
    ca: str | None = None
    turn_passwords: tuple[str, ...] = ()


class Analysis:
    """An analysis under way: `step` through the batches of `source`, then ask for the `report`.

    `filter` keeps sessions in the report (docs/guide: `kind == http and outcome != established`); `trace` gives notes
    their field trees; `on_output` is called with the flow's id and each note and finding as it happens; `share`
    (k, n, first) looks into every nth flow only (`Engine`).  `again` are the paths that `source` reads, if another
    process may read them too: one is started where there turn out to be many flows.  `stop` tells whether the user
    has interrupted the reading.
    """

    def __init__(
        self,
        source: core.Source,
        *,
        limits: Limits | None = None,
        filter: str | None = None,  # noqa: A002 - what the command line calls it
        trace: bool = False,
        on_output: OnOutput | None = None,
        share: tuple[int, int, int] = (0, 1, 0),
        again: Sequence[Path_] | None = None,
        stop: Callable[[], bool] | None = None,
        spool: Spool | None = None,
        material: Material | None = None,
        live: bool = False,
    ) -> None:
        from analyzer.engine.engine import Engine
        from analyzer.engine.keylog import KeyLogs
        from analyzer.report.spool import Spool

        self.source = source
        own = limits or Limits()
        # Trees of fields are not packed, and who is told of each note as it happens may keep it.
        packer = None if trace or on_output is not None else spool or Spool()
        self.engine: Engine = Engine(own, trace=trace, on_output=on_output, share=share, packer=packer, live=live)
        given = self._material = material or Material()
        shared = self.engine.shared
        self._key_logs = KeyLogs(shared.secrets, own, given.keylog, given.private_keys)
        shared.secrets.passwords = [password_of(one) for one in given.turn_passwords]
        shared.roots = None if given.ca is None else read(given.ca, "certificates")
        self._live = live
        if not live and source.total_bytes is not None:
            self._key_logs.poll(last=True)
        self._filter = filter_of(filter)
        self._batches = iter(source)
        self._report: Report | None = None
        self._told: list[core.Story] = []  # by other processes
        self._again = again if again and on_output is None and cores() > 1 else None
        self._stop = stop
        self._workers: list[Worker] = []

    def step(self) -> bool:
        """Analyse the next batch; False when there is none."""
        batch = next(self._batches, None)
        self._take_secrets()
        if batch is None:
            return False
        self.engine.feed(batch)
        if self._again is not None:
            self._seek_help(self._again)
        return True

    def _take_secrets(self) -> None:
        """Learn what key logs and the capture have brought since; more may come while live, or from a pcapng."""
        secrets = self.engine.shared.secrets
        if self._live or self.source.total_bytes is None:  # of a pipe nobody knows the size
            self._key_logs.poll()
            secrets.expected = secrets.given
        if not self._live:
            secrets.expected = secrets.expected or any(file.format == "pcapng" for file in self.source.files)
        self._key_logs.take(self.source.secrets)

    def _seek_help(self, paths: Sequence[Path_]) -> None:
        """Leave half of the flows to another process, if there will be much to do."""
        engine, source = self.engine, self.source
        done, total = source.done_bytes, source.total_bytes
        if not total or not done or done * HELP_EARLY > total:
            return
        if engine.visited * (total - done) < HELP_ROWS_LEFT * done:
            return
        self._again = None
        self._workers.append(Worker(paths, engine.limits, engine.trace, (1, 2, 0), self._material))
        engine.share(0, 2)

    def run(self, progress: Progress | None = None, stop: Callable[[], bool] | None = None) -> None:
        """Analyse what is left of the source, or as much as is read until `stop` says so."""
        with without_collection():
            while not (stop is not None and stop()) and self.step():
                if progress is not None:
                    progress(self.source)

    def start(self, worker: Worker) -> None:
        """Ask this one too when all is read."""
        self._workers.append(worker)

    def add(self, stories: Sequence[core.Story]) -> None:
        """Take what another process found in its share of the flows."""
        self._told.extend(stories)

    def report(self) -> Report:
        """What was found; the source is closed, and nothing can be analysed afterwards."""
        if self._report is None:
            with without_collection():
                try:
                    self.source.close()
                    self._report = self._finish()
                finally:
                    self.end()
        return self._report

    def finish(self, everything: bool = True) -> None:
        """The capture is over: let the rooms say their last words; `everything` also lists flows of other shares."""
        self._take_secrets()
        self._key_logs.poll(last=True)
        self.engine.finish(everything)

    def end(self) -> None:
        """Nothing will be asked any more: let go of what runs besides."""
        for worker in self._workers:
            worker.end()

    def _finish(self) -> Report:
        from analyzer.sessions import join

        engine = self.engine
        self.finish()
        for worker in self._workers:
            self.add(worker.stories(engine.flows, self._stop))
        capture = capture_of(self.source, engine, self._key_logs)
        stories = sorted([*engine.stories, *self._told], key=lambda story: story.flow.id)
        sessions, findings = join(stories, engine.flows, capture)
        report = Report(capture, engine.flows, sessions, findings)
        return report if self._filter is None else filtered(report, self._filter)


def capture_of(source: core.Source, engine: Engine, key_logs: KeyLogs) -> Capture:
    """What was read, and what is wrong with it."""
    stats = engine.tracker.stats
    return Capture(
        list(source.files),
        stats.frames,
        stats.bytes,
        stats.first_ns,
        stats.last_ns,
        list(source.interfaces),
        stats.cut_frames,
        stats.undecoded_frames,
        [*source.problems, *engine.tracker.problems, *key_logs.problems],
        stats.oversize_frames,
        stats.clock_steps,
        stats.clock_step_frame,
        stats.clock_step_ns,
    )


def filter_of(expression: str | None) -> Filter | None:
    if expression is None:
        return None
    from analyzer.sessions.filter import Filter

    return Filter(expression)


def filtered(report: Report, matches: Filter) -> Report:
    """The sessions that match, with their findings and those of the capture; sessions keep their ids."""
    sessions = [session for session in report.sessions if matches(session)]
    kept = {session.id: session for session in sessions}
    findings = [found for found in report.findings if found.session is None or found.session in kept]
    for session in sessions:
        session.findings = []
    for number, found in enumerate(findings):
        found.id = number
        if found.session is not None:
            kept[found.session].findings.append(number)
    return Report(report.capture, report.flows, sessions, findings)


@contextmanager
def without_collection() -> Iterator[None]:
    """No search for cycles meanwhile: the analysis makes none, and going over the notes again and again is dear."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# --- captures ---------------------------------------------------------------------------------------------------------


def analyze(
    path: Path_ | Sequence[Path_],
    *,
    keylog: Files | None = None,
    private_key: Files | None = None,
    ca: str | os.PathLike[str] | None = None,
    turn_password: str | Sequence[str] | None = None,
    limits: Limits | None = None,
    filter: str | None = None,  # noqa: A002 - what the command line calls it
    jobs: int = 1,
    trace: bool = False,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Report:
    """The report on a capture, or on several as one in order of time.

    `path` is a file, a folder, a glob, "-" for standard input, an open file or bytes, or a list of these.  `keylog` is
    a file with TLS secrets, or several; `private_key` a file with RSA keys, or several; `ca` one with the certificates
    to trust; `turn_password` a user of a TURN relay as `USER:PASSWORD`, or several.  `filter` keeps some sessions,
    `jobs` is how many processes share the flows, `trace` gives each note its tree of fields with byte ranges
    (`Note.tree`).  `progress` is called between batches; when `stop` returns true, the report has what was found until
    then.

    Raises `CaptureError` when nothing could be read, and ValueError for a filter or a password that is none.
    """
    from analyzer.capture import open_source

    paths = listed(path)
    filter_of(filter)
    given = material(keylog, private_key, ca, turn_password)
    own = limits or Limits()
    # A private key opens a session that later ones resume: only one process that sees all of them can open those.
    share = max(jobs, 1) if shareable(paths) and not given.private_keys else 1
    source = open_source(paths, limits=own)
    analysis = Analysis(source, limits=own, filter=filter, trace=trace, share=(0, share, 0), stop=stop, material=given)
    with without_collection():
        try:
            for number in range(1, share):
                analysis.start(Worker(paths, own, trace, (number, share, 0), given))
            analysis.run(progress, stop)
            return analysis.report()
        finally:
            analysis.end()
            source.close()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def listed(path: Path_ | Sequence[Path_]) -> list[Path_]:
    if isinstance(path, str | bytes | os.PathLike) or hasattr(path, "read"):
        return [cast("Path_", path)]
    return list(path)


def material(
    keylog: Files | None,
    private_key: Files | None = None,
    ca: str | os.PathLike[str] | None = None,
    turn_password: str | Sequence[str] | None = None,
) -> Material:
    """These files, made sure that each can be read: raises `CaptureError` for one that can't.

    Raises ValueError for a password that is none.
    """
    passwords = (turn_password,) if isinstance(turn_password, str) else tuple(turn_password or ())
    for one in passwords:
        password_of(one)
    given = Material(names(keylog), names(private_key), None if ca is None else os.fspath(ca), passwords)
    for files, what in ((given.keylog, "key log"), (given.private_keys, "private key")):
        for name in files:
            readable(name, what)
    if given.ca is not None:
        from analyzer.protocols.tls import trust

        try:
            trust.roots(read(given.ca, "file of certificates"))
        except ValueError as why:
            raise CaptureError(f"{given.ca}: it holds no certificate, neither in PEM nor in DER") from why
    return given


def password_of(given: str) -> tuple[str, str]:
    """The user and the password of `USER:PASSWORD`; a user name may have colons (a time, a name), a password none."""
    user, colon, password = given.rpartition(":")
    if not colon or not user:
        raise ValueError(f"{given!r} is no USER:PASSWORD")
    return user, password


def names(files: Files | None) -> tuple[str, ...]:
    if files is None:
        return ()
    return tuple(os.fspath(one) for one in ([files] if isinstance(files, str | os.PathLike) else files))


def readable(name: str, what: str) -> None:
    try:
        with Path(name).open("rb"):
            pass
    except OSError as why:
        raise CaptureError(f"{name}: the {what} cannot be read: {why.strerror}") from why


#: Trust anchors of all the world are 300 KB; nobody has a hundred times as many.
MAX_CA_BYTES = 32 << 20


def read(name: str, what: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_CA_BYTES)
    except OSError as why:
        raise CaptureError(f"{name}: the {what} cannot be read: {why.strerror}") from why


def shareable(paths: Sequence[Path_]) -> bool:
    """Whether other processes can read them too."""
    if not sys.executable:
        return False
    return all(isinstance(one, bytes) or (isinstance(one, str | os.PathLike) and regular(one)) for one in paths)


def regular(path: str | os.PathLike[str]) -> bool:
    """False for what can be read only once: standard input and pipes."""
    return os.fspath(path) != "-" and not (Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()))


class Parcel(pickle.Pickler):
    """Packs what processes hand each other; compiled classes have no way of their own to be packed."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)

    def reducer_override(self, value: object) -> Any:
        kind = type(value)
        if isinstance(value, core.Note):
            return unpack_note, (
                (value.kind, value.text, value.at, value.fields),
                (value.verdict, value.sender, value.flow, value.path, value.spec, value.remark, value.tree),
            )
        if isinstance(value, core.Piece):
            return core.Piece, (value.data, value.runs, value.start, value.stop, value.base, value.whole)
        if is_dataclass(kind):
            return kind, tuple(getattr(value, field.name) for field in fields(kind))
        return NotImplemented


def unpack_note(begun: tuple[Any, ...], rest: tuple[Any, ...]) -> core.Note:
    note = core.Note(*begun)
    note.verdict, note.sender, note.flow, note.path, note.spec, note.remark, note.tree = rest
    return note


#: Paths, limits, whether to trace, the share of the flows, and the file for the notes, which the process inherits.
Job = tuple["list[str | bytes]", Limits, bool, "tuple[int, int, int]", Material, int | None]
#: What a finding has: code, text, spans, time, cause, advice, limits, severity, title, section, flow.  There may be as
#: many as flows, and of plain values they are handed over in a fraction of the time.
Told = tuple[Any, ...]
#: Size of the file of notes; then of each flow its id, notes (how many and where, or themselves), findings, phases,
#: title, facts and kind.
Result = tuple[int, list[tuple[Any, ...]]]
OUTCOMES: Final = {outcome.value: outcome for outcome in core.Outcome}


class Worker:
    """Another process, which reads the whole capture (that is cheap) and runs the rooms of its share of the flows."""

    def __init__(
        self, paths: Sequence[Path_], limits: Limits, trace: bool, share: tuple[int, int, int], given: Material
    ) -> None:
        # Notes come back in a file, as JSON: nothing is to be done with most of them but to be written out.
        self.file = tempfile.TemporaryFile() if os.name == "posix" and not trace else None  # noqa: SIM115
        handed = () if self.file is None else (self.file.fileno(),)
        self.job: Job = (
            [one if isinstance(one, bytes) else str(Path(os.fspath(one)).absolute()) for one in paths],  # type: ignore[arg-type]
            limits,
            trace,
            share,
            given,
            handed[0] if handed else None,
        )
        home = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
        # Not multiprocessing: a script that calls `analyze` without a guard for __main__ must not run again.
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from analyzer.api import work; work()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path, **QUIET_THREADS},
            pass_fds=handed,
        )
        assert self.process.stdin is not None
        with (
            suppress(BrokenPipeError),
            self.process.stdin as pipe,
        ):  # it may have failed already: `stories` sees to that
            Parcel(pipe).dump(self.job)

    def stories(self, flows: Sequence[core.Flow], stop: Callable[[], bool] | None) -> list[core.Story]:
        """What it found of these flows; where it could not, this process does its work."""
        from analyzer.report.spool import Packed, Spool

        stopped = stop is not None and stop()
        if stopped:
            self.process.terminate()  # it tells what it has
        assert self.process.stdout is not None
        told = self.process.stdout.read()
        if self.process.wait() == 0:
            result: Result = pickle.loads(told)
            spool = Spool(self.file, result[0])  # which closes it
            self.file = None
        elif stopped:
            return []
        else:
            spool = Spool()
            result = share_of((*self.job[:5], None), spool)
        found = []
        for number, notes, findings, phases, title, facts, kind in result[1]:
            if number < len(flows):  # this process may have been stopped earlier
                said = Packed(spool, *notes) if isinstance(notes, tuple) else notes
                steps = [core.Phase(name, ns[0], ns[1], OUTCOMES[what], trips) for name, ns, what, trips in phases]
                verdicts = [finding_of(one) for one in findings]
                found.append(core.Story(flows[number], said, verdicts, steps, title, facts, kind))
        return found

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process.wait()
        if self.file is not None:
            self.file.close()


def share_of(job: Job, spool: Spool, stop: Callable[[], bool] | None = None) -> Result:
    from analyzer.capture import open_source
    from analyzer.report.spool import Packed

    paths, limits, trace, share, given, _ = job
    analysis = Analysis(
        open_source(paths, limits=limits), limits=limits, trace=trace, share=share, spool=spool, material=given
    )
    analysis.run(stop=stop)
    analysis.finish(everything=False)
    found = [
        (
            story.flow.id,
            (story.notes.size, story.notes.parts) if isinstance(story.notes, Packed) else story.notes,
            [told_of(one) for one in story.findings],
            [(one.name, (one.start_ns, one.end_ns), one.outcome.value, one.round_trips) for one in story.phases],
            story.title,
            story.facts,
            story.kind,
        )
        for story in analysis.engine.stories
    ]
    return spool.flush() if spool.file is not None else 0, found


def told_of(found: core.Finding) -> Told:
    place = found.at
    return (
        (found.code, found.text, tuple(map(tuple, place.spans)), place.time_ns),
        (found.cause, found.advice, found.limits, None if found.severity is None else found.severity.value),
        (found.title, found.spec, found.flow),
    )


def finding_of(told: Told) -> core.Finding:
    (code, text, spans, time_ns), (cause, advice, limits, severity), rest = told
    found = core.Finding(
        code,
        text,
        core.Place(tuple([core.Span(*span) for span in spans]), time_ns),
        cause=cause,
        advice=advice,
        limits=limits,
        severity=None if severity is None else core.Severity(severity),
    )
    found.title, found.spec, found.flow = rest
    return found


def work() -> None:
    """What a worker runs: a job on standard input, what it found on standard output."""
    from analyzer.report.spool import Spool

    stopped = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    # Ctrl-C reaches every process of the group: the one that started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job: Job = pickle.load(sys.stdin.buffer)
    paths, limits, trace, share, given, number = job
    # All notes are packed, or none, where there is no file that both processes have.
    file = None if number is None else open(number, "r+b", buffering=0)  # noqa: PTH123, SIM115
    limits = replace(limits, unpacked_flows=sys.maxsize if file is None else -1)
    with without_collection():
        found = share_of((paths, limits, trace, share, given, number), Spool(file), lambda: bool(stopped))
        Parcel(sys.stdout.buffer).dump(found)
    sys.stdout.buffer.flush()


# --- live -------------------------------------------------------------------------------------------------------------


def follow(
    interface: str,
    *,
    filter: str | None = None,  # noqa: A002 - what the command line calls it
    duration: float | None = None,
    count: int | None = None,
    keylog: Files | None = None,
    private_key: Files | None = None,
    ca: str | os.PathLike[str] | None = None,
    turn_password: str | Sequence[str] | None = None,
    limits: Limits | None = None,
) -> Iterator[Note]:
    """Each note as it happens on `interface`, until `duration` seconds or `count` frames have passed.

    `filter` is a capture filter as tcpdump has it ("tcp port 443"); `keylog` are files with TLS secrets, which may grow
    meanwhile, `private_key`, `ca` and `turn_password` as `analyze` has them.  Raises `CaptureError` where capturing is
    not possible or not allowed.
    """
    from analyzer.capture.live import LiveSource

    source = LiveSource(interface, filter, duration=duration, count=count)
    told: list[Note] = []

    def keep(_: int, output: Note | core.Finding) -> None:
        if isinstance(output, Note):
            told.append(output)

    given = material(keylog, private_key, ca, turn_password)
    analysis = Analysis(source, limits=limits, on_output=keep, material=given, live=True)
    try:
        while analysis.step():
            yield from told
            told.clear()
        analysis.report()
        yield from told
    finally:
        source.close()
