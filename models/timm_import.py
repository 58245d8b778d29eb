"""Import timm where a CPU build of torch sits beside a torchvision built for another torch.

timm imports torchvision, and torchvision's compiled operators fail to load when the two
were built for different backends (``operator torchvision::nms does not exist``). None of
those operators is used here, so declaring their schemas is enough to make the import pass.
"""

from __future__ import annotations

import sys
from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
# A Library withdraws its operators when collected, so the declared ones are kept here.
_declared: list[torch.library.Library] = []


def import_timm() -> ModuleType:
    """Return the ``timm`` module, working round a torchvision that does not fit torch.

    Raises:
        RuntimeError: torchvision fails for any other reason than its missing operators.
    """
    try:
        import torchvision  # noqa: F401  imported only to see whether it loads
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for schema in _SCHEMAS:
            library.define(schema)  # type: ignore[no-untyped-call]
        _declared.append(library)
    import timm

    return timm
