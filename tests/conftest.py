import os
import sys
from types import SimpleNamespace

import pytest

# before torch is imported: parallel tests would spin against each other on a few cores
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def nothing_brought():
    """A network that a test has brought is gone with it, as it would come first in the next one's catalogue."""
    yield
    if "cnnviz.networks" in sys.modules:
        sys.modules["cnnviz.networks"]._brought.clear()


@pytest.fixture
def cnnviz(capsys):
    """Runs a command; gives its exit code, stdout and stderr."""

    from cnnviz.cli import main  # noqa: PLC0415  (it sets variables of its own for torch)

    def run(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as leaving:
            code = leaving.code
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err)

    return run
