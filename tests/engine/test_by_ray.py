"""Passes on a real Ray on this machine: the same bits, and nobody notices that a replica is gone."""

import importlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from PIL import Image

from cnnviz.catalogue import Options
from cnnviz.engine import local
from cnnviz.engine.local import Engine, Picture
from cnnviz.errors import BadOption, BadWeights, UnknownLayer

ray = importlib.import_module("ray") if "CI" in os.environ else pytest.importorskip("ray")
OPTIONS = Options("resnet20")


def picture(number: int) -> Picture:
    values = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    return Picture(Image.fromarray(values), f"picture {number}")


@pytest.fixture(scope="module")
def by_ray():
    from cnnviz.engine.by_ray import RayEngine  # noqa: PLC0415  imports Ray

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=3,
            object_store_memory=200_000_000,
            include_dashboard=False,
            namespace="cnnviz",
            log_to_driver=False,
        )
        try:
            yield RayEngine(replicas=2)
        finally:
            ray.serve.shutdown()
            ray.shutdown()


def replicas() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [process for process in found if process.name().startswith("ray::ServeRep")]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("options", [OPTIONS, Options("lenet5"), Options("googlenet", size=(64, 64))], ids=str)
def test_results_are_the_local_engines_to_the_bit(by_ray, options, precision):
    here = Engine()
    for layer in ("input", "conv1", "output"):
        there = by_ray.maps(options, picture(0), layer, precision=precision)
        expected = here.maps(options, picture(0), layer, precision=precision, device="cpu")
        assert np.array_equal(there.maps, expected.maps)
        assert (there.weights, there.trained, there.note) == (expected.weights, expected.trained, expected.note)
        assert there.device.endswith("by Ray")


def test_who_else_looks_does_not_change_a_bit(by_ray):
    with ThreadPoolExecutor(8) as visitors:
        found = list(visitors.map(lambda n: by_ray.maps(OPTIONS, picture(n), "fc").maps, range(100, 124)))
    here = Engine()
    for number, maps in zip(range(100, 124), found, strict=True):
        assert np.array_equal(maps, here.maps(OPTIONS, picture(number), "fc", device="cpu").maps)


def test_a_killed_replica_costs_nobody_a_result(by_ray):
    here, asked = Engine(), 12
    for first in range(200, 500, 60):  # it may be killed between two passes
        end = time.monotonic() + 60
        while len(before := replicas()) < 2:
            assert time.monotonic() < end
            time.sleep(0.1)
        with ThreadPoolExecutor(asked) as visitors:
            waiting = [visitors.submit(by_ray.maps, OPTIONS, picture(n), "fc") for n in range(first, first + 60)]
            waiting[5].result(120)
            before[0].kill()
            found = [visit.result(120).maps for visit in waiting]
        for number, maps in enumerate(found, start=first):
            assert np.array_equal(maps, here.maps(OPTIONS, picture(number), "fc", device="cpu").maps)
        if by_ray.lost:
            break
    assert 1 <= by_ray.lost <= asked, "those that it was at, and no other"


def test_what_is_wrong_is_the_same_sentence(by_ray):
    with pytest.raises(UnknownLayer):
        by_ray.maps(OPTIONS, picture(0), "conv9")


def test_a_visitors_own_weights_stay_here(by_ray, tmp_path):
    with pytest.raises(BadWeights):
        by_ray.maps(OPTIONS, picture(0), "conv1", weights=str(tmp_path / "gone.safetensors"))
    from safetensors.torch import save_file  # noqa: PLC0415

    from cnnviz import networks  # noqa: PLC0415

    file = tmp_path / "mine.safetensors"
    save_file(networks.build("lenet5", weights="random").state_dict(), file)
    found = by_ray.maps(Options("lenet5"), picture(0), "conv1", weights=str(file))
    assert found.device == "CPU"


def test_the_variable_chooses_the_engine(by_ray, monkeypatch):
    local.engine.cache_clear()
    monkeypatch.setenv("CNNVIZ_ENGINE", "ray")
    assert type(local.engine()) is type(by_ray)
    local.engine.cache_clear()
    monkeypatch.setenv("CNNVIZ_ENGINE", "cloud")
    with pytest.raises(BadOption, match="CNNVIZ_ENGINE is 'cloud', but an engine is 'local' or 'ray'"):
        local.engine()
    monkeypatch.delenv("CNNVIZ_ENGINE")
    assert type(local.engine()) is Engine
    local.engine.cache_clear()
