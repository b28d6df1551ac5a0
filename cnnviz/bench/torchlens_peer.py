"""The peer of `cnnviz bench activations`, an interpreter of its own, as torchlens wraps torch's functions for good.

    python -m cnnviz.bench.torchlens_peer NET

For each line that it reads it traces the network once, every operation recorded, and answers how many milliseconds of
the processor that took.
"""

import sys

from cnnviz.cli import for_torch


def main(network: str) -> None:
    """Answer until there are no more lines."""
    for_torch()
    import torch  # noqa: PLC0415  after what it reads when it is imported
    import torchlens  # noqa: PLC0415

    from cnnviz.bench.activations import ready, timed  # noqa: PLC0415

    torch.set_num_threads(1)
    module, x = ready(network)
    with torch.no_grad():
        for _ in sys.stdin:
            print(timed(lambda: torchlens.trace(module, x)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
