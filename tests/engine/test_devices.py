import pytest
import torch

from cnnviz.engine.devices import choose_device, is_broken, is_out_of_memory, places
from cnnviz.errors import DeviceUnavailable


@pytest.mark.parametrize("name", ["tpu", "cpu:x", "meta", "cuda:99"])
def test_a_device_that_is_not_there_says_which_are(name):
    with pytest.raises(DeviceUnavailable, match=f"'{name}' isn't there; use .*cpu"):
        choose_device(name)


def test_each_gpu_is_a_place_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert list(map(str, places("auto"))) == ["cuda:0", "cuda:1"]
    assert list(map(str, places("cuda"))) == ["cuda:0"]
    assert list(map(str, places("cuda:1"))) == ["cuda:1"]
    assert list(map(str, places("cpu"))) == ["cpu"]


def test_apples_gpu_comes_before_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert list(map(str, places("auto"))) == ["mps"]


@pytest.mark.parametrize(
    ("error", "memory", "broken"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True, False),
        (RuntimeError("CUDA error: out of memory"), True, False),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …"), True, False),
        (RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB)"), True, False),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True, False),
        (MemoryError(), True, False),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), False, True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), False, True),
        (RuntimeError("CUDA error: device-side assert triggered"), False, True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied (1x9216 and 1x1)"), False, False),
        (ValueError("CUDA error"), False, False),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Exception) else None,
)
def test_what_an_error_means(error, memory, broken):
    assert (is_out_of_memory(error), is_broken(error)) == (memory, broken)
