"""`cnnviz compare [NET …]`."""

from argparse import Namespace
from collections.abc import Iterable, Sequence

from tqdm import tqdm

from cnnviz.against import comparison
from cnnviz.analysis.comparison import summary
from cnnviz.catalogue import Options, describe
from cnnviz.cli.options import options_of
from cnnviz.cli.output import as_json, chosen, write
from cnnviz.cli.table import FORMATS
from cnnviz.networks import card, cards
from cnnviz.printed.held import Row
from cnnviz.views import overview, tables


def run(arguments: Namespace) -> None:
    """Print networks beside each other."""
    form = chosen(arguments.format, arguments.output, FORMATS, "text")
    wanted = {
        key: options_of(Namespace(**(vars(arguments) | {"network": key})))
        for key in dict.fromkeys(arguments.networks or cards())
    }
    shown = [card(key) for key in wanted]
    summaries = {key: summary(describe(options)) for key, options in wanted.items()}
    milliseconds, machine = timed(wanted.values(), arguments.device) if arguments.time else ({}, "")
    printed = [row for row in comparison() if row.path in wanted]
    match form:
        case "json":
            text = as_json(overview.compare_json(shown, summaries, milliseconds, printed, machine))
        case "text" | "csv" | "markdown" | "latex":
            text = overview.written(overview.overview(shown, summaries, milliseconds), form, machine)
    if form == "text":
        text = "\n".join(filter(None, (text, _beside(printed), overview.sentence(summaries)))).rstrip() + "\n"
    write(text, arguments.output)


def timed(wanted: Iterable[Options], device: str) -> tuple[dict[str, float], str]:
    """Milliseconds a picture by key, and where they were measured."""
    from cnnviz.engine.local import engine  # noqa: PLC0415  (what isn't timed needs no engine)

    timings = {
        options.network: engine().timing(options, device)
        for options in tqdm(list(wanted), desc="timing", leave=False, disable=None)
    }
    found = list(timings.values())
    return {key: 1000 * timing.seconds for key, timing in timings.items()}, found[0].where


def _beside(printed: Sequence[Row]) -> str:
    """What an article prints of these networks, where it does."""
    return f"Printed, beside computed:\n\n{tables.aligned(overview.printed_beside(printed))}" if printed else ""
