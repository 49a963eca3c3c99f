"""What `import analyzer` offers, and that it costs little."""

import subprocess
import sys
import time

import pytest

import analyzer


def test_the_interface_is_there() -> None:
    assert callable(analyzer.analyze)
    assert callable(analyzer.follow)
    assert issubclass(analyzer.CaptureError, Exception)
    assert analyzer.Limits().depth > 0
    assert analyzer.__version__.count(".") == 2


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        analyzer.analyse  # noqa: B018


def test_importing_is_quick() -> None:
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import analyzer"], check=True, timeout=60)
        best = min(best, time.perf_counter() - start)
    assert best < 0.15
