"""Importing timm beside a torchvision that loads, and beside one that does not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
import torch

import models.timm_import
from models.timm_import import import_timm

MISSING_OPERATORS = "operator torchvision::nms does not exist"


class _Failing:
    """Stands before all other finders and fails where torchvision is looked for."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "torchvision":
            # What an import that fails half-way leaves behind.
            sys.modules["torchvision.half_way"] = ModuleType("torchvision.half_way")
            raise RuntimeError(self._reason)
        return None


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of operators that are declared, without declaring any in this process."""
    import_timm()  # timm itself is loaded before torchvision is taken away
    names: list[str] = []

    class Library:
        def __init__(self, namespace: str, kind: str) -> None:
            assert (namespace, kind) == ("torchvision", "DEF")

        def define(self, schema: str) -> None:
            names.append(schema.partition("(")[0])

    monkeypatch.setattr(torch.library, "Library", Library)
    monkeypatch.setattr(models.timm_import, "_declared", [])
    for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    return names


def fail(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Have torchvision fail to load for this reason, for the rest of the test."""
    monkeypatch.setattr(sys, "meta_path", [_Failing(reason), *sys.meta_path])
    monkeypatch.setitem(sys.modules, "torchvision.half_way", ModuleType("torchvision.half_way"))


def test_here():
    """With whatever torchvision is installed here, timm loads, again and again, and builds."""
    timm = import_timm()
    assert import_timm() is timm
    network = timm.create_model("mobilenetv3_small_050", num_classes=7).eval()
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 7)


def test_torchvision_loads(monkeypatch: pytest.MonkeyPatch, declared: list[str]):
    """Where torchvision loads nothing is declared in its place."""
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    assert import_timm().__name__ == "timm"
    assert declared == []


def test_torchvision_lacks_operators(monkeypatch: pytest.MonkeyPatch, declared: list[str]):
    """Where torchvision's operators are missing they are declared, and it can be imported anew."""
    fail(monkeypatch, MISSING_OPERATORS)
    assert import_timm().__name__ == "timm"
    assert declared == ["nms", "qnms"]
    assert not [name for name in sys.modules if name.split(".")[0] == "torchvision"]
    assert len(models.timm_import._declared) == 1  # kept alive


def test_torchvision_fails_otherwise(monkeypatch: pytest.MonkeyPatch, declared: list[str]):
    """Any other failure of torchvision is not hidden."""
    fail(monkeypatch, "built for another Python")
    with pytest.raises(RuntimeError, match="another Python"):
        import_timm()
    assert declared == []
