"""What breaks while somebody looks is one sentence for him, and nothing for anybody else."""

import errno
import io
import os
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from cnnviz import networks
from cnnviz.engine import local
from cnnviz.engine.local import Engine
from cnnviz.engine.passes import Passes

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def gives(app: AppTest) -> bool:
    """Whether there are maps."""
    return any(", gives " in caption.value for caption in app.caption)


@pytest.fixture
def engine(monkeypatch):
    """An engine of this test's own."""
    found = Engine(patience=1.0)
    monkeypatch.setattr("app.cache.engine", lambda: found)
    return found


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
            "needs more memory than",
        ),
        (MemoryError(), "needs more memory than"),
        (SystemExit(1), "took its worker down twice"),
        (RuntimeError("CUDA error: device-side assert triggered"), "took its worker down twice"),
    ],
    ids=["torch", "Python", "the worker ends", "the device breaks"],
)
def test_a_pass_that_fails_is_a_sentence_and_the_next_visitor_is_served(engine, monkeypatch, fault, sentence):
    run = Passes.run

    def failing(self, module, *args, **how):
        if module.network == "resnet20":
            raise fault
        return run(self, module, *args, **how)

    monkeypatch.setattr(Passes, "run", failing)
    app = opened(network="resnet20")
    assert [sentence in error.value for error in app.error] == [True]
    assert not app.exception
    assert len(app.metric) == 4, "the rest of the page is there"
    assert not gives(app)
    other = opened(network="lenet5")
    assert not other.error
    assert gives(other)
    monkeypatch.undo()


def test_a_full_queue_is_a_sentence_and_gone_with_the_next_click(engine, monkeypatch):
    monkeypatch.setattr(engine._pool, "most_waiting", 0)
    app = opened(network="lenet5")
    assert ["try again in a moment" in error.value for error in app.error] == [True]
    assert not app.exception
    monkeypatch.setattr(engine._pool, "most_waiting", local.MOST_WAITING)
    app.run()
    assert not app.error
    assert gives(app)


@pytest.mark.parametrize("where", ["pathlib.Path.write_bytes", "tempfile.mkdtemp"])
def test_a_full_disk_is_a_sentence_for_who_brings_weights(monkeypatch, where):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    app = opened(network="lenet5")
    data = save(
        {key: torch.zeros_like(t) for key, t in networks.build("lenet5", weights="random").state_dict().items()}
    )
    with monkeypatch.context() as disk:
        disk.setattr(where, full)
        app.file_uploader(key="weights upload").upload("mine.safetensors", data, "").run()
    assert [error.value for error in app.error] == [
        "'mine.safetensors' can't be kept on this machine (No space left on device)."
    ]
    assert not app.exception
    assert gives(app)
    app.file_uploader(key="weights upload").upload("mine.safetensors", data, "").run()
    assert not app.error


def test_no_memory_for_a_picture_is_a_sentence(monkeypatch):
    app = opened(network="lenet5", **{"from": "file"})
    Image.new("RGB", (40, 30)).save(file := io.BytesIO(), "PNG")

    def short(*_):
        raise MemoryError

    monkeypatch.setattr("cnnviz.images._to_rgb", short)
    app.file_uploader(key="upload").upload("mine.png", file.getvalue(), "image/png").run()
    assert ["memory" in error.value and "try again" in error.value for error in app.error] == [True]
    assert not app.exception
