"""Read the tensors of a pickled torch network without running anything of the pickle.

``torch.save(network)`` writes a pickle that names classes and functions and asks for them to be
called. Here nothing is imported and nothing is called: each name becomes an inert type whose
instances write down what they were given, and the tensors are built afterwards from these
records. So the file also reads when the library that wrote it has moved on.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from models.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import torch

_CONTAINERS: dict[str, type] = {
    "collections.OrderedDict": OrderedDict,
    "builtins.set": set,
    "__builtin__.set": set,  # its name up to pickle protocol 2, which torch writes
}
_PARAMETER = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
_TENSOR = "torch._utils._rebuild_tensor_v2"
_RECORDED = {*_PARAMETER, _TENSOR, "torch.nn.parameter.Parameter", "functools.partial"}
# Nothing of these packages is imported: timm's and torch's layers are recorded by name.
_RECORDED_PACKAGES = ("timm.", "torch.nn.modules.")
_STORAGE_DTYPES = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_MAX_MODULES = 10_000  # EfficientNet-B2 has about 500


class DamagedWeightsError(WeightsError):
    """A weight file is cut short, of another kind, or does not fit the network."""


class UnsafeWeightsError(WeightsError):
    """A weight file asks for something that weights have no business with."""


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a ``torch.save``d network, or of a plain state dict, by their names.

    Raises:
        UnsafeWeightsError: the pickle names anything but layers, tensors and plain containers.
        DamagedWeightsError: the file is missing, damaged, or of another kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            folder = _folder(archive)
            content = io.BytesIO(_stored(archive, f"{folder}/data.pkl"))
            records = _InertUnpickler(content, path).load()
            build = _TensorBuilder(lambda key: _stored(archive, f"{folder}/data/{key}"), path)
            return {str(name): build(record) for name, record in _named_tensors(records)}
    except UnsafeWeightsError:
        raise
    except Exception as error:
        # A damaged pickle can fail in any way, so every way means the same here.
        raise DamagedWeightsError(
            f"{path} is not a whole PyTorch weight file ({type(error).__name__}: {error}); remove "
            "it, or put a good copy in its place"
        ) from error


class _Inert:
    """Stands for whatever a pickle names: keeps arguments and state, does nothing with them.

    Invariant: instances are not callable, and hold no attribute that a pickle can choose.
    """

    __slots__ = ("args", "state")
    origin: ClassVar[str]
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any, **_kwargs: Any) -> _Inert:  # noqa: PYI034  never subclassed by hand
        record = super().__new__(cls)
        record.args = args
        record.state = None
        return record

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Storage(NamedTuple):
    dtype: str
    key: str
    numel: int


class _InertUnpickler(pickle.Unpickler):
    """Hands out inert types, made anew for each file, so that no file can change another's."""

    def __init__(self, content: io.BytesIO, path: Path) -> None:
        super().__init__(content)
        self._path = path
        self._types: dict[str, type[_Inert]] = {}

    def find_class(self, module_name: str, global_name: str, /) -> type:
        origin = f"{module_name}.{global_name}"
        if origin in _CONTAINERS:
            return _CONTAINERS[origin]
        known = origin in _RECORDED or origin in _STORAGE_DTYPES
        if not known and not f"{module_name}.".startswith(_RECORDED_PACKAGES):
            raise UnsafeWeightsError(
                f"{self._path} asks for {origin}, which weights have no business with; nothing "
                "of it was run: remove the file and get it from a source you trust"
            )
        if origin not in self._types:
            self._types[origin] = type("_Inert", (_Inert,), {"__slots__": (), "origin": origin})
        return self._types[origin]

    def persistent_load(self, pid: Any) -> _Storage:
        # The device the tensor was on is left out: a file written on a GPU is read on any machine.
        kind, storage_type, key, _device, numel = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"{kind!r} is stored outside the pickle")
        return _Storage(_STORAGE_DTYPES[storage_type.origin], str(key), int(numel))


class _TensorBuilder:
    """Turns records into tensors; together they may not be larger than the file they come from."""

    def __init__(self, read: Callable[[str], bytes], path: Path) -> None:
        self._read = read
        self._bytes_left = path.stat().st_size

    def __call__(self, record: Any) -> torch.Tensor:
        import torch

        if _origin(record) in _PARAMETER:
            record = record.args[0]
        if _origin(record) != _TENSOR:
            raise ValueError(f"{_origin(record)} stands where a tensor belongs")
        storage, offset, size, stride = record.args[:4]
        dtype: torch.dtype = getattr(torch, storage.dtype)
        self._bytes_left -= math.prod(size) * dtype.itemsize
        content = self._read(storage.key)
        if self._bytes_left < 0 or len(content) != storage.numel * dtype.itemsize:
            raise ValueError("a tensor is not of the size that the file states")
        if not content:
            return torch.empty(size, dtype=dtype)
        flat = torch.frombuffer(bytearray(content), dtype=dtype)
        return flat.as_strided(size, stride, offset).clone()


def _folder(archive: zipfile.ZipFile) -> str:
    """Return the one folder that torch puts everything into; its name is the writer's choice."""
    (name,) = [n for n in archive.namelist() if n.endswith("/data.pkl") and n.count("/") == 1]
    return name.removesuffix("/data.pkl")


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a member; zipfile checks its CRC. torch never compresses, so a zip bomb ends here."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile(f"{name} is compressed")
    return archive.read(name)


def _named_tensors(root: Any) -> Iterator[tuple[str, Any]]:
    """Give the tensor records of a plain state dict, or those that ``state_dict()`` would give."""
    if isinstance(root, dict):
        yield from root.items()
        return
    pending = [("", root)]
    for _ in range(_MAX_MODULES):
        if not pending:
            return
        prefix, module = pending.pop()
        state = module.state
        for name, value in {**state["_parameters"], **state["_buffers"]}.items():
            if value is not None and name not in state.get("_non_persistent_buffers_set", ()):
                yield prefix + name, value
        children = state["_modules"].items()
        pending += [(f"{prefix}{name}.", child) for name, child in children if child is not None]
    raise ValueError(f"it holds more than {_MAX_MODULES} layers")


def _origin(record: Any) -> str:
    return record.origin if isinstance(record, _Inert) else type(record).__name__
