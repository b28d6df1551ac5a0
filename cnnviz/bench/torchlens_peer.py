"""torchlens as a peer, in an interpreter of its own, as it wraps torch's functions for good.

    python -m cnnviz.bench.torchlens_peer

For each line, the key of a network, it traces that network once, every operation recorded, and answers how many
milliseconds of the processor that took; and how many parameters and multiply-accumulates it counts.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from cnnviz.errors import BadOption


class Traced(NamedTuple):
    """What a trace took, in ms, and what it counts."""

    took: float
    params: int
    macs: int


@contextmanager
def torchlens() -> Iterator[Callable[[str], Traced]]:
    """The other process, which is given a network's key; its first trace of each isn't counted.

    Raises:
        BadOption: it gives no answer.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-m", __name__], **pipes) as peer:  # type: ignore[call-overload]

        def traced(network: str) -> Traced:
            print(network, file=peer.stdin, flush=True)
            words = peer.stdout.readline().split()
            if not words:
                raise BadOption(f"torchlens gave no answer: does 'echo lenet5 | python -m {__name__}' run?")
            return Traced(float(words[0]), int(words[1]), int(words[2]))

        yield traced
        peer.stdin.close()


def main() -> None:
    """Answer until there are no more lines."""
    from cnnviz.cli import for_torch  # noqa: PLC0415

    for_torch()
    import torch  # noqa: PLC0415  after what it reads when it is imported
    import torchlens  # noqa: PLC0415

    from cnnviz.bench.activations import ready  # noqa: PLC0415
    from cnnviz.bench.timing import quiet, timed  # noqa: PLC0415

    known = ""
    with torch.no_grad(), quiet():
        for line in sys.stdin:
            if line.strip() != known:
                known = line.strip()
                module, x = ready(known)
                torchlens.trace(module, x)
            found = []
            took = timed(lambda: found.append(torchlens.trace(module, x)))  # noqa: B023
            print(took, found[0].num_params, int(found[0].total_macs_forward or 0), flush=True)


if __name__ == "__main__":
    main()
