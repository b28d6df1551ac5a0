"""`cnnviz weights list` and `cnnviz weights fetch NET`."""

from argparse import Namespace
from typing import Any

from cnnviz import networks
from cnnviz.cli.output import as_json, write
from cnnviz.cli.pictures import progress
from cnnviz.errors import BadOption
from cnnviz.views import tables
from cnnviz.weights import Published, bundled, cache_folder, published_for
from cnnviz.weights.published import all_published, source_url


def run(arguments: Namespace) -> None:
    """Say which weights there are, or fetch published ones."""
    if arguments.action == "list":
        _list(as_text=not arguments.json)
    else:
        _fetch(arguments)


def _list(*, as_text: bool) -> None:
    rows = [_row(key) for key in networks.cards()]
    if as_text:
        write(tables.weights_text(rows))
        write(
            f"Random weights, from a fixed seed, fit every network. Published ones lie in {cache_folder()}; "
            f"'cnnviz weights fetch NET' gets them from {source_url()}.\n"
        )
    else:
        write(as_json({"folder": str(cache_folder()), "url": source_url(), "networks": rows}))


def _row(key: str) -> dict[str, Any]:
    ours, theirs = bundled(key), all_published().get(key)
    row: dict[str, Any] = {"network": key, "auto": networks.source_for(key).kind, "bundled": None, "published": None}
    if ours and ours.path:
        trained = ours.training
        row["bundled"] = {
            "file": ours.path.name,
            "bytes": ours.path.stat().st_size,
            "dataset": trained.dataset if trained else None,
            "classes": (trained and trained.classes) or networks.card(key).classes,
        }
    if theirs:
        row["published"] = {
            "file": theirs.file,
            "on_disk": theirs.there,
            "bytes": theirs.path.stat().st_size if theirs.there else None,
            "megabytes": theirs.megabytes,
            "top1_percent": theirs.top1_percent,
            "top5_percent": theirs.top5_percent,
        }
    return row


def _fetch(arguments: Namespace) -> None:
    if bool(arguments.networks) == arguments.all:
        raise BadOption("One of the two is needed: networks, as in 'cnnviz weights fetch resnet18', or --all.")
    # all that can be wrong is found before the first is fetched, which takes its time
    keys = [networks.card(key).key for key in dict.fromkeys(arguments.networks)]
    wanted = list(all_published().values()) if arguments.all else [published_for(key) for key in keys]
    done = [_fetched(one, arguments) for one in wanted]
    if arguments.json:
        write(as_json({"folder": str(cache_folder()), "fetched": done}))


def _fetched(one: Published, arguments: Namespace) -> dict[str, Any]:
    there = one.there
    with progress(one.network, unit="B", unit_scale=True, unit_divisor=1000) as bar:

        def on_progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)  # which is negative where a fetch begins again

        path = one.fetch(on_progress, arguments.url)
    if not arguments.json:
        size = path.stat().st_size / 2**20
        write(f"{one.network}: {path}, {size:,.1f} MiB{', was there already' if there else ''}\n")
    return {"network": one.network, "file": str(path), "bytes": path.stat().st_size, "was_there": there}
