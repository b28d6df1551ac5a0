import copy
import io
import pickle
import threading
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode

from cnnviz.networks import cards
from cnnviz.networks.meta import OnMeta
from cnnviz.networks.repeating import REPEATED

ARGUMENTS = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d), ((4, 8, 3), {"stride": 2, "groups": 2})),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), ((6,), {"eps": 1e-3, "momentum": None})),
    **dict.fromkeys((nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish), ((), {"inplace": True})),
    **dict.fromkeys((nn.MaxPool2d, nn.AvgPool2d), ((3,), {"stride": 2, "padding": 1, "ceil_mode": True})),
    **dict.fromkeys((nn.Dropout, nn.Dropout2d), ((0.3,), {})),
    nn.Linear: ((5, 7), {"bias": False}),
    nn.GroupNorm: ((2, 6), {}),
    nn.LayerNorm: (((4, 5),), {"elementwise_affine": True}),
    nn.LeakyReLU: ((), {"negative_slope": 0.2}),
    nn.GELU: ((), {"approximate": "tanh"}),
    nn.AdaptiveAvgPool2d: (((1, 1),), {}),
}


def facts(tensor: Tensor | None) -> object:
    if tensor is None:
        return None
    shape = (tensor.shape, tensor.stride(), tensor.storage_offset(), tensor.untyped_storage().nbytes())
    return (
        *(type(tensor), shape, tensor.dtype, tensor.device, tensor.layout, tensor.requires_grad, tensor.is_leaf),
        *(tensor.is_inference(), vars(tensor), tensor._backward_hooks),
    )


def same(ours: nn.Module, theirs: nn.Module) -> None:
    """Everything that a module is made of, in the order in which it is there."""
    assert type(ours) is type(theirs)
    assert list(vars(ours)) == list(vars(theirs))
    for name, value in vars(theirs).items():
        own = vars(ours)[name]
        assert type(own) is type(value)
        if name in ("_parameters", "_buffers"):
            assert list(own) == list(value)
            assert [facts(tensor) for tensor in own.values()] == [facts(tensor) for tensor in value.values()]
        elif name == "_modules":
            assert list(own) == list(value)
        else:
            assert repr(own) == repr(value)  # 1 and 1.0 are equal
    assert ours.extra_repr() == theirs.extra_repr()


def patterns(module: nn.Module) -> list[list[int]]:
    """Which tensors, which memory and which containers are the same, by the first place that each has."""
    tensors = [t for child in module.modules() for t in (*child._parameters.values(), *child._buffers.values())]
    present = [t for t in tensors if t is not None]
    containers = [v for child in module.modules() for v in vars(child).values() if isinstance(v, dict | set | list)]
    found = [list(map(id, present)), [t.untyped_storage()._cdata for t in present], list(map(id, containers))]
    return [[numbers.index(number) for number in numbers] for numbers in found]


@pytest.mark.parametrize("key", cards())
def test_each_network_is_what_pytorch_makes_of_it(key):
    with OnMeta():
        ours = cards()[key].build()
    with torch.device("meta"):
        theirs = cards()[key].build()
    named, known = dict(ours.named_modules(remove_duplicate=False)), dict(theirs.named_modules(remove_duplicate=False))
    assert list(named) == list(known)
    for name, module in known.items():
        same(named[name], module)
    assert patterns(ours) == patterns(theirs)
    assert [(k, facts(t)) for k, t in ours.state_dict().items()] == [
        (k, facts(t)) for k, t in theirs.state_dict().items()
    ]
    written = io.BytesIO()
    torch.save(ours.state_dict(), written)
    for again in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert str(again) == str(theirs)
        assert [(k, t.shape) for k, t in again.state_dict().items()] == [
            (k, t.shape) for k, t in theirs.state_dict().items()
        ]


@pytest.mark.parametrize("kind", sorted(REPEATED, key=lambda kind: kind.__name__))
def test_each_layer_is_what_pytorch_makes_of_it(kind):
    args, kwargs = ARGUMENTS[kind]
    with torch.device("meta"):
        theirs = kind(*args, **kwargs)
    with OnMeta():
        layers = [kind(*args, **kwargs) for _ in range(3)]
    for layer in layers:
        same(layer, theirs)
    holder = nn.ModuleList(layers)
    assert patterns(holder) == [list(range(len(numbers))) for numbers in patterns(holder)]  # nothing is shared


def test_the_first_is_constructed_and_the_others_are_not(monkeypatch):
    made = []

    def reset_parameters(self):
        made.append(self)

    monkeypatch.setattr(nn.Conv2d, "reset_parameters", reset_parameters)
    with OnMeta():
        layers = [nn.Conv2d(3, 4, 5) for _ in range(4)]
    assert made == layers[:1]


def test_what_is_done_to_a_layer_is_not_done_to_the_next():
    with OnMeta():
        first = nn.BatchNorm2d(4)
        first.eps, first.added = 1.0, "more"
        first.weight.requires_grad_(False)
        first.bias = None
        first.register_buffer("other", torch.zeros(2))
        first.register_forward_hook(lambda *_: None)
        first.child = nn.ReLU()
        first.eval()
        second = nn.BatchNorm2d(4)
    with torch.device("meta"):
        same(second, nn.BatchNorm2d(4))


def test_a_derived_layer_has_what_its_own_constructor_does():
    class Own(nn.Conv2d):
        made = 0

        def __init__(self, channels):
            super().__init__(channels, channels, 3)
            Own.made += 1
            self.number = Own.made

    class Bare(nn.Conv2d):
        pass

    with OnMeta():
        nn.Conv2d(2, 2, 3)
        own, bare = [Own(2) for _ in range(3)], [Bare(2, 2, 3) for _ in range(2)]
    assert [layer.number for layer in own] == [1, 2, 3]
    assert all(type(layer) is Bare and layer.weight.is_meta for layer in bare)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (nn.Dropout, [(1,), (1.0,), (True,), (0.0,), (-0.0,)]),
        (nn.LayerNorm, [(4,), ((4,),), ((2, 2),)]),
        (nn.MaxPool2d, [(2,), ((2, 2),), ((2.0, 2.0),), (True,)]),
        (nn.Linear, [(2, 3, True), (2, 3, 1), (2, 3, False), (2, 3, True, "meta"), (2, 3, True, "meta", torch.half)]),
    ],
)
def test_equal_arguments_are_not_always_the_same(kind, arguments):
    with torch.device("meta"):
        theirs = [kind(*given) for given in arguments]
    with OnMeta():
        for _ in range(2):
            for given, expected in zip(arguments, theirs, strict=True):
                same(kind(*given), expected)


def test_by_name_or_by_place_it_is_the_same_layer():
    with OnMeta():
        one, other = nn.Conv2d(4, 8, 3, 2), nn.Conv2d(stride=2, kernel_size=3, out_channels=8, in_channels=4)
        swapped = nn.Conv2d(stride=3, kernel_size=2, out_channels=8, in_channels=4)
    same(one, other)
    assert (swapped.stride, swapped.kernel_size) == ((3, 3), (2, 2))


def test_a_list_stays_the_callers_own():
    with OnMeta():
        sizes = [3, 3]
        first = nn.MaxPool2d(sizes)
        second = nn.MaxPool2d(sizes)
        third = nn.MaxPool2d([3, 3])
    assert first.kernel_size is sizes
    assert second.kernel_size is sizes
    assert third.kernel_size is not sizes


def test_wrong_arguments_are_refused_as_ever():
    with OnMeta():
        for _ in range(2):
            with pytest.raises(ValueError, match="divisible"):
                nn.Conv2d(3, 4, 3, groups=2)
            with pytest.raises(TypeError, match="required positional argument"):
                nn.Linear(3)


def test_devices_and_types_are_those_that_hold_when_a_layer_is_made():
    usual = torch.get_default_dtype()
    with OnMeta():
        nn.BatchNorm2d(4)
        elsewhere = [nn.BatchNorm2d(4, device="cpu") for _ in range(2)]
        with torch.device("cpu"):
            within = [nn.BatchNorm2d(4) for _ in range(2)]
        with torch._C.DisableTorchFunction():
            unseen = [nn.BatchNorm2d(4) for _ in range(2)]
        torch.set_default_dtype(torch.float64)
        try:
            wide = nn.BatchNorm2d(4)
        finally:
            torch.set_default_dtype(usual)
        with torch.inference_mode():
            inferring = [nn.Linear(2, 2) for _ in range(2)]
        with torch.no_grad():
            still = [nn.Linear(2, 2) for _ in range(2)]
    for layer in (*elsewhere, *within, *unseen):
        assert torch.equal(layer.weight, torch.ones(4))
        assert torch.equal(layer.running_var, torch.ones(4))
    assert wide.weight.dtype == wide.running_mean.dtype == torch.float64
    assert [layer.weight.is_inference() for layer in inferring] == [True, True]
    assert [layer.weight.requires_grad for layer in still] == [True, True]


def test_another_mode_sees_all_that_is_done():
    class Listening(TorchFunctionMode):
        def __init__(self):
            super().__init__()
            self.heard = []

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.heard.append(func)
            return func(*args, **(kwargs or {}))

    for outer, inner in ((OnMeta(), Listening()), (Listening(), OnMeta())):
        with outer, inner:
            counts = []
            for _ in range(3):
                nn.Linear(2, 3)
                counts.append(len((inner if isinstance(inner, Listening) else outer).heard))
        assert counts[0] > 0
        assert [later - earlier for earlier, later in pairwise(counts)] == [counts[0]] * 2


def test_a_hook_for_parameters_is_told_of_each():
    told = []
    with OnMeta():
        nn.Linear(2, 3)
        handle = register_module_parameter_registration_hook(lambda module, name, _: told.append((id(module), name)))
        try:
            layers = [nn.Linear(2, 3) for _ in range(2)]
        finally:
            handle.remove()
        nn.Linear(2, 3)
    assert told == [(id(layer), name) for layer in layers for name in ("weight", "bias")]


# --- PyTorch is left as it was found ----------------------------------------------


def constructors() -> dict[type, object]:
    return {cls: vars(cls).get("__init__") for layer in REPEATED for cls in layer.__mro__}


def test_the_constructors_are_pytorchs_again_afterwards():
    before = constructors()
    with OnMeta():
        assert constructors() != before
        assert before[nn.Module] is constructors()[nn.Module]
        with OnMeta():
            nn.Conv2d(3, 4, 5)
        assert constructors() != before
    assert constructors() == before
    with pytest.raises(ZeroDivisionError), OnMeta():
        nn.Linear(1, 1 // 0)
    assert constructors() == before


def test_whoever_replaces_a_constructor_meanwhile_is_heard_and_can_put_back_what_was_there():
    usual, made = nn.Linear.__init__, []
    with OnMeta():
        found = nn.Linear.__init__

        def counting(self, *args, **kwargs):
            made.append(self)
            found(self, *args, **kwargs)

        nn.Linear.__init__ = counting
        layers = [nn.Linear(2, 3) for _ in range(3)]
    assert made == layers
    assert nn.Linear.__init__ is counting
    assert nn.Linear(2, 3).weight.device.type == "cpu"
    nn.Linear.__init__ = found
    assert nn.Linear(2, 3).weight.device.type == "cpu"
    with OnMeta():
        assert nn.Linear(2, 3).weight.is_meta
    assert nn.Linear.__init__ is usual


def test_other_threads_make_ordinary_layers_meanwhile():
    before, wrong = constructors(), []
    entered, leaving = threading.Barrier(3), threading.Barrier(3)

    def building():
        with OnMeta():
            entered.wait(30)
            for _ in range(50):
                layers = [nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Linear(2, 3)]
                wrong.extend(t for layer in layers for t in layer.state_dict().values() if not t.is_meta)
            leaving.wait(30)

    threads = [threading.Thread(target=building) for _ in range(2)]
    for thread in threads:
        thread.start()
    entered.wait(30)
    torch.manual_seed(3)
    ours = [nn.Linear(2, 3) for _ in range(50)]
    norm = nn.BatchNorm2d(4)
    leaving.wait(30)
    for thread in threads:
        thread.join()
    torch.manual_seed(3)
    for layer in ours:
        theirs = nn.Linear(2, 3)
        same(layer, theirs)
        assert torch.equal(layer.weight, theirs.weight)
    assert torch.equal(norm.weight, torch.ones(4))
    assert not wrong
    assert constructors() == before
