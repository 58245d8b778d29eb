"""Reading a pickled network: its tensors come out, and nothing of the pickle is run."""

from __future__ import annotations

import functools
import os
import pickle
import subprocess
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from models.face.hsemotion import FILE_NAME
from models.face.pickled_network import DamagedWeightsError, UnsafeWeightsError, read_state_dict
from tests.models.face.stand_in import Call


def attacks(marker: Path) -> dict[str, Any]:
    """Return objects that leave ``marker`` behind when a plain unpickler reads them."""
    shell = f"touch {marker}"
    python = f"open({str(marker)!r}, 'w')"
    return {
        "os.system": Call(os.system, shell),
        "eval": Call(eval, python),
        "exec": Call(exec, python),
        "subprocess": Call(subprocess.check_call, ["touch", str(marker)]),
        "getattr": Call(Call(getattr, Path(marker), "touch")),
        "torch.hub.load": Call(torch.hub.load, str(marker.parent / "hub"), "run"),
        "torch.load": Call(torch.load, str(marker.parent / "nested.pt")),
        "partial": Call(Call(functools.partial, os.system, shell)),
        "map": Call(list, Call(map, os.system, [shell])),
    }


@pytest.mark.parametrize("name", attacks(Path("x")))
@pytest.mark.parametrize("beside_weights", [False, True])
def test_attack_is_refused(tmp_path: Path, name: str, *, beside_weights: bool):
    """A file that asks for anything but layers and tensors is refused by name, and nothing runs."""
    marker = tmp_path / "ran"
    weights = tmp_path / FILE_NAME
    attack = attacks(marker)[name]
    torch.save(OrderedDict(a=torch.zeros(3), b=attack) if beside_weights else attack, weights)
    with pytest.raises(UnsafeWeightsError, match=r"asks for \w+[.\w]+, which"):
        read_state_dict(weights)
    assert not marker.exists()


_TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"


@pytest.mark.parametrize(
    "content",
    [
        # What a record stands for is never imported, and a record can not be called.
        b"ctorch.nn.modules.container\nos.system\n(V%s\ntR.",
        b"ctimm.models\nload_checkpoint\n(V%s\ntR(V%s\ntR.",
        b"cfunctools\npartial\n(ctimm.os\nsystem\nV%s\ntR)R.",
        # Neither can a file change the types of records, nor those of containers.
        _TENSOR + b"(N}V__setstate__\nV%s\nstb.",
        b"ccollections\nOrderedDict\n(N}Vkeys\nV%s\nstb.",
        b"c__builtin__\nset\n}V__init__\nV%s\nsb.",
        b"\x82\x01(V%s\ntR.",  # the extension registry
        b"(Vmodule\nV%s\ntQ.",  # something stored outside the pickle
    ],
)
def test_records_are_inert(tmp_path: Path, content: bytes):
    """What a file may name does nothing, whatever the file does with it."""
    marker, weights = tmp_path / "ran", tmp_path / FILE_NAME
    command = f"touch {marker}".encode()
    with zipfile.ZipFile(weights, "w") as archive:
        archive.writestr("archive/data.pkl", content.replace(b"%s", command))
    with pytest.raises(DamagedWeightsError):
        read_state_dict(weights)
    assert not marker.exists()


def test_oversized_tensor(tmp_path: Path):
    """A small file that states an enormous tensor is refused before memory is taken for it."""
    weights = tmp_path / FILE_NAME
    torch.save({"a": torch.zeros(1).expand(10**12)}, weights)
    with pytest.raises(DamagedWeightsError, match="size"):
        read_state_dict(weights)


def test_compressed(tmp_path: Path):
    """A compressed file is refused: torch writes none, and it could hold more than it weighs."""
    weights = tmp_path / FILE_NAME
    with zipfile.ZipFile(weights, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    with pytest.raises(DamagedWeightsError, match="compressed"):
        read_state_dict(weights)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("whole", [False, True])
def test_same_as_state_dict(tmp_path: Path, protocol: int, *, whole: bool):
    """A whole network and its plain state dict both read as ``state_dict()`` gives them."""
    convolution = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    network = torch.nn.Sequential(convolution, torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    network[2].to(torch.bfloat16)
    network.register_buffer("not_saved", torch.zeros(1), persistent=False)
    wanted = network.state_dict()
    torch.save(network if whole else wanted, tmp_path / "x.pt", pickle_protocol=protocol)
    given = read_state_dict(tmp_path / "x.pt")
    assert given.keys() == wanted.keys()
    assert all(torch.equal(given[name], wanted[name]) for name in wanted)
    assert all(given[name].dtype == wanted[name].dtype for name in wanted)


def test_written_on_gpu(tmp_path: Path):
    """Tensors that lay on a GPU when they were saved, as HSEmotion's did, read without one."""
    torch.save({"a": torch.arange(3)}, tmp_path / "cpu.pt")
    with (
        zipfile.ZipFile(tmp_path / "cpu.pt") as source,
        zipfile.ZipFile(tmp_path / "gpu.pt", "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b"X\3\0\0\0cpu", b"X\6\0\0\0cuda:0"))
    assert (tmp_path / "gpu.pt").read_bytes().count(b"cuda:0") == 1
    assert read_state_dict(tmp_path / "gpu.pt")["a"].tolist() == [0, 1, 2]
