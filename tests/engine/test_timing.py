"""How long a picture takes here."""

import re
import threading

import pytest

from cnnviz.catalogue import Options
from cnnviz.engine import local
from cnnviz.engine.local import Engine
from cnnviz.errors import DeviceUnavailable


def test_a_pass_is_timed_once_and_on_the_engines_own_thread(monkeypatch):
    seen = []
    real = local.time_pass
    monkeypatch.setattr(
        local, "time_pass", lambda *given: (seen.append(threading.current_thread().name), real(*given))[1]
    )
    engine = Engine()
    first = engine.timing(Options("lenet5"), "cpu")
    assert engine.timing(Options("lenet5"), "cpu") is first
    assert len(seen) == 1
    assert seen[0].startswith("cnnviz-engine")
    assert first.passes == 5
    assert 0 < first.seconds < 5
    assert re.fullmatch(r"CPU, (1 thread|\d+ threads)", first.where)


def test_a_larger_network_takes_longer():
    engine = Engine()
    assert engine.timing(Options("resnet18"), "cpu").seconds > engine.timing(Options("lenet5"), "cpu").seconds


def test_a_device_that_is_not_there_is_a_sentence_every_time():
    engine = Engine()
    for _ in range(2):
        with pytest.raises(DeviceUnavailable, match="'tpu' isn't there"):
            engine.timing(Options("lenet5"), "tpu")
    assert not engine._timings
