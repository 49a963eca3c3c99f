import subprocess
import sys

from analyzer.capture import open_source
from analyzer.core import Limits
from tests.capture import made


def test_a_source_of_bytes() -> None:
    source = open_source([made.pcap(made.record(b"abcd"))], limits=Limits())
    assert made.payloads(made.frames(source)) == [b"abcd"]


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, analyzer.capture; sys.exit(' '.join({'numpy', 'lz4', 'pyshark'} & set(sys.modules)) or 0)"
    subprocess.run([sys.executable, "-c", code], check=True)
