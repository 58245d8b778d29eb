"""Gives each replica on a machine a core and UDP ports that no other replica there has."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rtc.ports import PortRange

_MOST = 4096


@dataclass(frozen=True)
class Slot:
    """One place on this machine, held until it is closed or its process ends, however it ends.

    Attributes:
        number: 0 for the first.
        descriptor: of the locked file.
    """

    number: int
    descriptor: int

    @classmethod
    def take(cls, folder: Path | None = None) -> Self:
        """Take the first that is free.

        Args:
            folder: of the lock files, the same for all on a machine.

        Raises:
            OSError: none is free, or the folder cannot be written to.
        """
        folder = folder or Path(tempfile.gettempdir()) / f"emotion-server-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in range(_MOST):
            descriptor = os.open(folder / f"slot-{number}", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                if error.errno not in {errno.EACCES, errno.EAGAIN}:
                    raise
            else:
                return cls(number, descriptor)
        raise OSError(errno.EAGAIN, f"all {_MOST} slots in {folder} are taken")

    def close(self) -> None:
        """Leave the place to others."""
        os.close(self.descriptor)


def core_of(slot: int, cores: Sequence[int]) -> int:
    """Return the one of these cores that the replica in a slot is to keep to."""
    return cores[slot % len(cores)]


def ports_of(slot: int, all_ports: PortRange, slots: int, needed: int) -> PortRange:
    """Return the share that the replica in a slot has of a machine's UDP ports.

    Args:
        slot: its number.
        all_ports: for all replicas of this machine.
        slots: how many replicas there may be here.
        needed: by this one.

    Raises:
        ValueError: the shares are too small.
    """
    each = len(all_ports) // slots
    if each < needed:
        raise ValueError(
            f"--udp-ports: {len(all_ports)} ports are too few for {slots} replicas of "
            f"{needed} people on one machine; give it {slots * needed} or more"
        )
    first = all_ports.first + slot % slots * each
    return PortRange(first, first + each - 1)
