"""`cnnviz bench ui`, as small as it goes."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.usefixtures("browser")
def test_the_pages_can_be_measured():
    command = [sys.executable, "-m", "cnnviz", "bench", "ui", "--repetitions", "1", "--json"]
    (part,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["parts"]
    rows = {row["what"]: row for row in part["rows"]}
    assert {row["unit"] for row in rows.values()} == {"ms", "kB"}
    assert all(row["ours"]["median"] > 0 for row in rows.values())
    assert rows["click until Python has confirmed it"]["ratio"] > 1, "an empty app draws less"
    assert (
        rows["click to the new page"]["ours"]["median"] < rows["click until Python has confirmed it"]["ours"]["median"]
    )
    # 64 maps of 56 x 56 bytes after the max pooling or 112 x 112 after conv1, with their colours, lows and highs
    assert 64 * 56 * 56 < 1e3 * rows["sent at a click, maps not seen before"]["ours"]["median"] < 64 * 112 * 112 + 20e3
