"""The one place where an error becomes a sentence on the page."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from cnnviz.errors import CnnvizError


@contextmanager
def sentences() -> Iterator[None]:
    """Show what a visitor can mend as one sentence, where it happened; the rest of the page goes on.

    Everything else is a bug: it keeps its traceback in the log.
    """
    try:
        yield
    except CnnvizError as error:
        st.error(str(error), icon=":material/error:")
