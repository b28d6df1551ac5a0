"""The answers to a lesson's knobs, for browsers that ask while one is being turned.

They depend on nothing but the knobs, and what a page has kept for its picture: no session is touched, and no run of a
page is needed.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from streamlit.config import get_option

from app.turns import TURNS
from cnnviz.errors import CnnvizError


def routes() -> list[Route]:
    """What the server answers besides its pages."""
    return [Route(address("{name}"), _answer)]


def address(lesson: str) -> str:
    """Where a lesson's answers are had from."""
    return "/".join(["", *filter(None, get_option("server.baseUrlPath").split("/")), "answers", lesson])


def _answer(request: Request) -> JSONResponse:
    # not before: torch comes with it, and the first page doesn't wait for that
    from app.panels.lessons import LESSONS  # noqa: PLC0415

    lesson = LESSONS.get(request.path_params["name"])
    if lesson is None:
        return JSONResponse(f"There is no lesson of that name; there are: {', '.join(LESSONS)}.", 404)
    try:
        with TURNS.one():
            return JSONResponse(lesson.asked(request.query_params))
    except CnnvizError as error:
        return JSONResponse(str(error), 422)
