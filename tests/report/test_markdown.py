"""Reports as Markdown."""

import io
import re

from analyzer.report import markdown
from tests.report import sample


def test_markdown_is_escaped() -> None:
    assert markdown.escaped("<b>*x*</b> [a](http://e) www.e") == r"\<b\>\*x\*\</b\> \[a\](http:\//e) www\.e"
    assert markdown.escaped("- x") == r"\- x"
    assert markdown.escaped("1. x") == r"1\. x"
    assert markdown.code("a|b`c``") == "``` a\\|b`c`` ```"
    out = io.StringIO()
    markdown.write_markdown(sample.report(), out, notices=True)
    rows = [line for line in out.getvalue().splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 9 for row in rows)
