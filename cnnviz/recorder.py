"""Follows a module's forward pass on the meta device and keeps it as a program that can be run again.

How: the forward runs once on a tensor without data. A copy of the module tree, which
shares every parameter with the original, reports which module is being called; a
TorchFunctionMode reports every other torch function. Both belong to the thread that
follows, nothing is patched for the process, so that any number of threads can follow
and run the same module at once.
"""

import math
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.graph import increment_version
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from cnnviz.errors import CnnvizError, ShapeMismatch, Untraceable
from cnnviz.graph import Shape
from cnnviz.nested import field_names, mapped, tensors
from cnnviz.operations import (
    CONSTANTS,
    FACTORIES,
    Operation,
    by_name,
    describe_function,
    describe_module,
    function_name,
    operation_at,
    output_shape,
)
from cnnviz.program import INPUT_DEVICE, Named, Program, Ref, Step

META = torch.device("meta")


def uncompiled(module: nn.Module) -> nn.Module:
    """What torch.compile was given, where that has wrapped a module."""
    return cast(nn.Module, getattr(module, "_orig_mod", module))


def name_of(module: nn.Module) -> str:
    """The catalogue's name of a network, or its class's; a submodule may be called `network`, too."""
    name = vars(module).get("network")
    return name if isinstance(name, str) else type(module).__name__


def follow(module: nn.Module, shape: Shape, dtype: torch.dtype = torch.float32) -> Program:
    """The program of `module`'s forward for an input of `shape` (batch included) and type.

    Raises:
        Untraceable: control flow depends on values, part of a tensor is assigned to, and the like.
        ShapeMismatch: the input doesn't fit a layer.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise Untraceable("A TorchScript module can't be followed; give the nn.Module that it was made from.")
    named = list(module.named_modules())
    for name, child in named:
        if any(map(is_lazy, child._parameters.values())):
            raise Untraceable(f"{name or type(child).__name__} has no parameters yet: run it once, on any input.")
        if "forward" in vars(child):
            raise Untraceable(
                f"{name or type(child).__name__} has had its forward replaced by another function; "
                "put that into a class of its own."
            )
    with torch.inference_mode(False), torch.no_grad():
        return _Recorder(module, named).follow(shape, dtype)


class _Recorder(TorchFunctionMode):
    def __init__(self, module: nn.Module, named: Sequence[tuple[str, nn.Module]]) -> None:
        super().__init__()
        self._steps: list[Step] = []
        self._values: dict[int, Ref | Named] = {}  # id of a tensor -> where it comes from
        self._stale: set[int] = set()  # ids of tensors whose memory another name has overwritten
        self._aliases: dict[int, list[Tensor]] = defaultdict(list)  # storage -> the tensors in it
        self._storages: dict[int, int] = {}  # address of a storage -> its number here
        self._alive: list[Any] = []  # keeps ids and addresses from being used twice
        self._frames: list[tuple[str, str]] = [("", "")]  # (qualified name, path) of the modules being run
        self._paths: set[str] = set()
        self._blocks: list[str] = []
        self._failed_in: str | None = None
        self._met_unseen = False
        self._sized = False
        self._on_meta: dict[int, Tensor] = {}
        self._named = named
        self._names = {id(child): name for name, child in named}
        self._originals: dict[int, nn.Module] = {}
        self._root = self._stand_in(module, {})

    def follow(self, shape: Shape, dtype: torch.dtype) -> Program:
        x = torch.empty(shape, dtype=dtype, device=META)
        self._record(Step(path=self._unique("input"), block="", operation=Operation("input")), x, ())
        try:
            with self:
                result = self._root(x)
        except CnnvizError:
            raise
        except RecursionError:
            raise
        except Exception as error:
            if self._met_unseen:
                raise self._unseen() from error
            if _is_ours(error):
                raise
            raise self._explained(error) from error
        if is_dataclass(result) and not isinstance(result, type):
            result = {field.name: getattr(result, field.name) for field in fields(result)}
        outputs: dict[str, Ref] = {}
        for index, tensor in tensors(result):
            ref = self._values.get(id(tensor))
            if isinstance(ref, Ref) and self._steps[ref.step].live:
                self._refuse_stale(tensor)
                outputs[".".join(map(str, ("output", *field_names(result, index))))] = ref
        if len(outputs) == 1:
            outputs = {"output": next(iter(outputs.values()))}
        if not outputs:
            raise Untraceable("The network's output doesn't depend on its input, so there is no graph to show.")
        return Program(self._steps, outputs, self._blocks, self._sized)

    @cached_property
    def _owned(self) -> dict[int, Named]:
        """The network's parameters and buffers by id; most forwards leave all of them to layers, and never ask."""
        found: dict[int, Named] = {}
        for name, child in self._named:
            for own, tensor in (*child._parameters.items(), *child._buffers.items()):
                if tensor is not None:
                    found.setdefault(id(tensor), Named(_within(name, own)))
        return found

    # --- modules ---------------------------------------------------------------

    def _stand_in(self, module: nn.Module, made: dict[int, nn.Module]) -> nn.Module:
        """A copy of a module that shares its attributes and reports its calls to this recorder."""
        if id(module) in made:
            return made[id(module)]
        copy = object.__new__(type(module))
        made[id(module)] = copy
        own = vars(copy)
        own.update(vars(module))
        own["_compiled_call_impl"] = None
        self._originals[id(copy)] = module
        operation = describe_module(module)
        # where its own forward never runs, nobody adds to them
        own.update(_NO_HOOKS if operation is not None else {name: type(none)() for name, none in _NO_HOOKS.items()})
        if module._modules:
            own["_modules"] = {
                name: None if child is None else self._stand_in(child, made) for name, child in module._modules.items()
            }
        if operation is not None:
            own["forward"] = partial(self._leaf, module, operation)
            return copy
        for name, value in vars(module).items():  # children that a forward takes from a list of its own
            if isinstance(value, list | tuple | dict) and not name.startswith("_"):
                own[name] = mapped(value, lambda v: self._stand_in(v, made) if id(v) in self._names else v)
        for kind in ("_parameters", "_buffers"):
            own[kind] = {
                name: t if t is None else self._meta(t, _within(self._names[id(module)], name))
                for name, t in vars(module)[kind].items()
            }
        own["forward"] = partial(self._descend, copy, module)
        return copy

    def _meta(self, tensor: Tensor, name: str) -> Tensor:
        if id(tensor) not in self._on_meta:
            twin = tensor.detach().to(META)
            if isinstance(tensor, nn.Parameter):
                twin = nn.Parameter(twin, requires_grad=tensor.requires_grad)
            self._on_meta[id(tensor)] = twin
            self._values[id(twin)] = Named(name)
        return self._on_meta[id(tensor)]

    def _path_of(self, module: nn.Module) -> tuple[str, str]:
        """Qualified name and path of a module that is being called; the outermost repeated one gets '#2'."""
        name = self._names[id(module)]
        for frame, path in reversed(self._frames):
            if frame and name.startswith(frame + "."):
                return name, self._unique(path + name[len(frame) :], "#")
        return name, self._unique(name, "#")

    def _unique(self, path: str, mark: str = "_") -> str:
        candidate, count = path, 1
        while candidate in self._paths:
            count += 1
            candidate = f"{path}{mark}{count}"
        self._paths.add(candidate)
        return candidate

    def _descend(self, copy: nn.Module, module: nn.Module, /, *args: Any, **kwargs: Any) -> Any:
        if len(self._frames) == 1 and not self._blocks and module is self._originals[id(self._root)]:
            name, path = "", ""
        else:
            name, path = self._path_of(module)
            self._blocks.append(path)
        self._frames.append((name, path))
        try:
            return type(module).forward(copy, *args, **kwargs)
        except Exception:
            self._failed_in = self._failed_in or path or type(module).__name__
            raise
        finally:
            self._frames.pop()

    def _leaf(self, module: nn.Module, operation: Operation, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(module, nn.Identity):
            return args[0]
        name = self._names[id(module)]
        if name:
            name, path = self._path_of(module)
        else:  # the network is a single layer
            path = self._unique(operation.op)
        x = args[0] if args else next(iter(kwargs.values()))
        if not isinstance(x, Tensor):
            raise Untraceable(f"{path} is called with {type(x).__name__} instead of a tensor.")
        with torch._C.DisableTorchFunction():  # what is done here with tensors isn't the network's
            shape = tuple(x.shape)
            operation = operation_at(module, operation, shape[1:])
            step = Step(
                path=path,
                block=self._frames[-1][1],
                operation=operation,
                module=name,
                parameters=tuple([_within(name, own) for own in _parameters(module)]),
            )
            try:
                out = layer_output(module, operation, path, shape, args, kwargs)
            except ShapeMismatch as error:
                raise self._with_origin(error, operation, x) from None
            except Exception:
                self._failed_in = self._failed_in or path
                raise
            step.writes = out is x and bool(vars(module).get("inplace"))
            self._record(step, out, args, kwargs)
        return out

    # --- functions -------------------------------------------------------------

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Records a call of a torch function, tensor method or tensor attribute."""
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if isinstance(func, torch._ops.OpOverload):  # a meta kernel at work for code that isn't Python
            raise self._unseen()
        if name in ("__setitem__", "__set__"):
            raise Untraceable(
                f"{self._here()} writes into part of a tensor, which a graph can't show; "
                f"build the result with torch.cat or torch.where instead."
            )
        if name in _READS_VALUES:
            raise Untraceable(
                f"{self._here()} decides by the values of a tensor{_place()}, but cnnviz can follow "
                f"only what depends on shapes; move the decision out of forward."
            )
        given = [t for _, t in tensors((args, kwargs))]
        versions = [t._version for t in given]
        out = function_output(func, args, kwargs, self._to_meta)
        if not any(True for _ in tensors(out)):
            self._sized = self._sized or function_name(func) not in _SAYS_NO_SIZE
            return out  # a shape, a number of dimensions: no tensor, no layer
        known = set(map(id, given))
        written = any(t._version != before for t, before in zip(given, versions, strict=True))
        if not written:  # dropout in evaluation and contiguous() may return their very argument
            out = mapped(out, lambda value: _alias(value) if id(value) in known else value)
        out = mapped(out, self._to_meta)
        operation = describe_function(func, args, kwargs)
        step = Step(
            path=self._unique(".".join(filter(None, (self._frames[-1][1], operation.op)))),
            block=self._frames[-1][1],
            operation=operation,
            function=func,
            writes=written,
        )
        self._record(step, out, args, kwargs)
        return out

    def _to_meta(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or value.device == META:
            return value
        if id(value) not in self._on_meta:
            self._on_meta[id(value)] = value.to(META)
            self._alive.append(value)
        return self._on_meta[id(value)]

    # --- the record --------------------------------------------------------------

    def _record(self, step: Step, out: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None) -> None:
        number = len(self._steps)
        inputs: list[Ref] = []
        parameters: list[str] = list(step.parameters)

        def recorded(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return INPUT_DEVICE if isinstance(value, _PLACES) and str(value) == "meta" else value
            origin = self._values.get(id(value)) or self._owned.get(id(value))
            if origin is None and value.is_meta:
                raise self._unseen()
            if isinstance(origin, Ref):
                self._refuse_stale(value)
                inputs.append(origin)
            elif isinstance(origin, Named):
                parameters.append(origin.name)
            return value if origin is None else origin

        step.args = tuple([recorded(v) if isinstance(v, Tensor) else mapped(v, recorded) for v in args])
        step.kwargs = mapped(dict(kwargs), recorded) if kwargs else {}
        step.inputs = tuple(inputs)
        shape_only = step.function is not None and function_name(step.function) in CONSTANTS
        living = 0
        for ref in inputs:
            if self._steps[ref.step].live:
                living += 1
            else:  # computed from parameters alone, such as a masked kernel
                parameters += self._steps[ref.step].parameters
        step.live = number == 0 or (living > 0 and not shape_only)
        if len(parameters) > len(step.parameters):
            step.parameters = tuple(dict.fromkeys(parameters))
        for index, tensor in [((), out)] if isinstance(out, Tensor) else tensors(out):
            storage = self._storage(tensor)
            for other in self._aliases[storage] if step.writes else ():
                if other is tensor or _same_place(other, tensor):
                    self._values[id(other)] = Ref(number, index)
                else:
                    self._stale.add(id(other))
            if not step.shapes:
                step.storage = storage
            self._stale.discard(id(tensor))
            self._aliases[storage].append(tensor)
            self._values[id(tensor)] = Ref(number, index)
            step.shapes[index] = tuple(tensor.shape)
        self._alive.append(out)
        self._steps.append(step)

    def _storage(self, tensor: Tensor) -> int:
        with torch._C.DisableTorchFunction():
            address = tensor.untyped_storage()._cdata
        return self._storages.setdefault(address, len(self._storages))

    def _refuse_stale(self, tensor: Tensor) -> None:
        if id(tensor) in self._stale:
            raise Untraceable(
                f"{self._here()} reads a view of a tensor that was overwritten in place after the view was made; "
                f"use the out-of-place operation."
            )

    # --- errors --------------------------------------------------------------------

    def _unseen(self) -> Untraceable:
        self._failed_in = self._failed_in or self._here()
        self._met_unseen = True  # TorchScript makes an error of its own out of what is raised within
        return Untraceable(
            f"{self._failed_in} uses a tensor that is made out of sight (by TorchScript or an extension); "
            "write that part in Python."
        )

    def _here(self) -> str:
        return self._frames[-1][1] or type(self._root).__name__

    def _with_origin(self, error: ShapeMismatch, operation: Operation, x: Tensor) -> ShapeMismatch:
        """Says of a refused shape which maps it comes from, and which would fit."""
        origin = self._values.get(id(x))
        seen = x.shape[1:]
        shape = tuple(self._steps[0].shapes[()][1:])
        first = by_name(shape[1:] if len(shape) == 3 else shape)
        while isinstance(origin, Ref) and origin.step:
            step = self._steps[origin.step]
            source = next(iter(step.inputs), None)
            if source is None or step.operation.op not in ("flatten", "dropout"):
                break
            origin = source
        if not isinstance(origin, Ref) or origin.step == 0:
            return error
        maps = tuple(self._steps[origin.step].shapes[origin.index][1:])
        needed = operation.hyperparameters.get("in_features")
        if isinstance(needed, int) and len(seen) == 1 and len(maps) == 3:
            side = math.isqrt(needed // maps[0])
            square = maps[0] * side**2 == needed
            needs = f"{by_name((maps[0], side, side))} maps" if square else f"{needed} features"
            given = by_name(maps) if square else f"{seen[0]} ({by_name(maps)})"
            return ShapeMismatch(error.layer, f"needs {needs}, but a {first} input gives {given}")
        return ShapeMismatch(error.layer, f"{error.detail} from a {first} input")

    def _explained(self, error: Exception) -> CnnvizError:
        place = self._failed_in or self._here()
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if "meta tensor" in text or "_local_scalar_dense" in text:
            return Untraceable(
                f"{place} decides by the values of a tensor{_place(error)}, but cnnviz can follow only what "
                f"depends on shapes; move the decision out of forward."
            )
        shape = by_name(tuple(self._steps[0].shapes[()][1:]))
        return Untraceable(f"{place} fails on a {shape} input{_place(error)}: {text.rstrip('.')}.")


_PLACES = (torch.device, str)
_NO_HOOKS = {name: hooks for name, hooks in vars(nn.Module()).items() if name.endswith("_hooks")}
_SAYS_NO_SIZE = frozenset("dim ndim dtype device is_cuda is_meta is_floating_point is_complex requires_grad".split())
_READS_VALUES = frozenset(["__bool__", "__int__", "__float__", "__index__", "__complex__", "item", "tolist", "numpy"])


def _place(error: Exception | None = None) -> str:
    """' (line 12 of nets.py)': the innermost line that is neither PyTorch's nor ours."""
    frames = traceback.extract_tb(error.__traceback__) if error else traceback.extract_stack()
    for frame in reversed(frames):
        if "/torch/" not in frame.filename.replace("\\", "/") and frame.filename != __file__:
            return f" (line {frame.lineno} of {frame.filename.replace(chr(92), '/').rpartition('/')[2]})"
    return ""


def _by_formula(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """What the usual joins of maps give, without PyTorch's meta kernels, which take a second to load."""
    name = getattr(func, "__name__", "")
    if kwargs.keys() <= {"dim"} and function_name(func) == "cat" and isinstance(args[0], list | tuple):
        parts, dim = args[0], kwargs.get("dim", args[1] if len(args) > 1 else 0)
        shape = list(parts[0].shape)
        rest = [part.shape[:dim] + part.shape[dim + 1 :] for part in parts]
        if dim < 0 or not _alike(parts) or any(other != rest[0] for other in rest):
            return None
        shape[dim] = sum(part.shape[dim] for part in parts)
        return torch.empty(shape, dtype=parts[0].dtype, device=META)
    if kwargs or function_name(func) not in ("add", "mul") or not _alike(args) or len(args) != 2:
        return None
    if args[0].shape != args[1].shape:
        return None
    if name.startswith("__i") or (name.endswith("_") and not name.startswith("__")):
        increment_version(args[0])  # written in place
        return cast(Tensor, args[0])
    return torch.empty(args[0].shape, dtype=args[0].dtype, device=META)


def function_output(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    to_meta: Callable[[Any], Any] = lambda value: value,
) -> Any:
    """What a function gives on meta; `to_meta` brings tensors there that are elsewhere."""
    out = _by_formula(func, args, kwargs)
    if out is not None:
        return out
    place = {"device": META} if func in FACTORIES else {}
    return func(*mapped(args, to_meta), **mapped({**kwargs, **place}, to_meta))


def layer_output(
    module: nn.Module, operation: Operation, path: str, shape: Shape, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """What a layer gives on meta: by formula where there is one; its very input, of `shape`, where it writes there."""
    x = args[0] if args else next(iter(kwargs.values()))
    given = output_shape(operation, shape[1:], path)
    own = vars(module)
    if operation.op == "dropout" and not module.training:
        return _alias(x)  # eager returns its input here
    if own.get("inplace"):
        return x
    if given is not None and not own.get("return_indices"):
        return torch.empty((*shape[:1], *given), dtype=x.dtype, device=META)
    return type(module).forward(_on_meta(module), *args, **kwargs)


def _alike(values: Any) -> bool:
    """Whether all are tensors of one type and number of axes."""
    return all(isinstance(v, Tensor) for v in values) and len({(v.dtype, v.dim()) for v in values}) == 1


def _on_meta(module: nn.Module) -> nn.Module:
    """A copy of a module whose parameters and buffers are on the meta device."""
    twin = object.__new__(type(module))
    vars(twin).update(vars(module))
    moved: dict[int, Tensor] = {}
    for kind in ("_parameters", "_buffers"):
        own = vars(module)[kind]
        vars(twin)[kind] = {name: None if t is None else moved.setdefault(id(t), t.to(META)) for name, t in own.items()}
    vars(twin)["_modules"] = {name: None if m is None else _on_meta(m) for name, m in module._modules.items()}
    for name, value in vars(module).items():  # an LSTM keeps its parameters in a list as well
        if isinstance(value, list) and any(id(item) in moved for item in value):
            vars(twin)[name] = [moved.get(id(item), item) for item in value]
    return twin


def named_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by every name that they have."""
    yield from module.named_buffers(remove_duplicate=False)
    yield from module.named_parameters(remove_duplicate=False)


def _within(name: str, own: str) -> str:
    return f"{name}.{own}" if name else own


def _parameters(module: nn.Module) -> Iterable[str]:
    """Names of all parameters of a module and its children."""
    if module._modules:
        return (name for name, _ in module.named_parameters(remove_duplicate=False))
    return [name for name, parameter in module._parameters.items() if parameter is not None]


def _same_place(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one storage are the same elements in the same order."""
    with torch._C.DisableTorchFunction():
        return (one.storage_offset(), one.shape, one.stride()) == (other.storage_offset(), other.shape, other.stride())


def _is_ours(error: Exception) -> bool:
    """Whether an error is a mistake of this package, which has to keep its traceback."""
    if not isinstance(error, NameError | AttributeError | KeyError | AssertionError):
        return False
    innermost = traceback.extract_tb(error.__traceback__)[-1].filename
    return Path(innermost).parent == Path(__file__).parent


def _alias(value: Any) -> Any:
    """Another tensor in the same memory, to be told apart from the first."""
    return value.view(value.shape) if isinstance(value, Tensor) else value
