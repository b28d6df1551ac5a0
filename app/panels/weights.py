"""Which weights a network's maps are made with: of those that fit it, or a file of the visitor's own."""

import streamlit as st

from app import state
from cnnviz.catalogue import Options
from cnnviz.weights.published import Fetching, Published, begin, fetching, published_for

LARGEST = 100  # MB of a visitor's file; `server.maxUploadSize` takes no more
HELP = (
    "`bundled` ones were trained by this project, `imagenet` are PyTorch's published ones, `random` have learned "
    "nothing; `auto` takes the best that are here."
)


def choice(selection: state.Selection, options: Options) -> str:
    """What the engine takes as weights: a word, or the path of the visitor's own file, never one from the URL."""
    offered = selection.weights_offered(options)
    published = published_for(options.network) if "imagenet" in offered else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Weights",
            offered,
            default=state.AUTO,
            required=True,
            key=selection.key("weights"),
            bind=state.BOUND,
            help=HELP,
            width="content",
        )
        with st.popover("Your own", icon=":material/upload:"):
            st.file_uploader(
                f"Weights for {options.network}",
                key=selection.key("weights upload"),
                max_upload_size=LARGEST,
                on_change=selection.take_weights,
                args=(options,),
                help="A safetensors file, or a state_dict that torch.save wrote. Nothing in it is ever executed, and "
                "it is kept for this visit only.",
            )
    if refused := selection.get("weights refused"):
        st.error(refused, icon=":material/error:")
    if chosen == "imagenet" and published and not published.there:
        fetch(selection, published)
        return state.AUTO
    if chosen == state.OWN and chosen in offered:
        return str(selection.get("own weights").path)
    return chosen if chosen in offered else state.AUTO


def fetch(selection: state.Selection, published: Published) -> None:
    """The button that fetches published weights, or how far they have come, whoever pressed it."""
    running = fetching(published.network)
    if running and not running.over:
        how_far(published, running)
        return
    st.info(
        f"The published weights of {published.network} aren't on this machine yet; until then, the maps are made with "
        f"those that are. On ImageNet's validation set, their first guess is right for {published.top1_percent:.1f} %, "
        f"one of the first five for {published.top5_percent:.1f} %.",
        icon=":material/cloud_off:",
    )
    st.button(
        f"Fetch them: {published.megabytes:g} MiB, once for all who use this machine",
        icon=":material/download:",
        key=selection.key("fetch weights"),
        on_click=_begin,
        args=(selection, published),
    )
    if running and running.failed and selection.get("weights fetch") is running:
        st.error(running.failed, icon=":material/error:")


def _begin(selection: state.Selection, published: Published) -> None:
    selection.set("weights fetch", begin(published.network))


@st.fragment(run_every=0.5)
def how_far(published: Published, running: Fetching) -> None:
    """A bar that moves by itself; at its end, the page goes on with what has come."""
    if running.over:
        st.rerun()
    st.progress(
        min(1.0, running.done / running.total),
        f"{published.file}: {running.done / 2**20:.1f} of {running.total / 2**20:.1f} MiB have come",
    )
