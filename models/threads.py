"""One thread for each numeric library, set before any of them is loaded."""

from __future__ import annotations

import os


class SystemLibraryError(RuntimeError):
    """A library of the operating system is missing; the message names it and the remedy."""


def limit_threads() -> None:
    """Have every numeric library use one thread. Call before numpy is imported anywhere.

    More threads per call make live sessions slower: the event loop, the decoders and the
    inference thread already fill the cores, and pools that spin take their time from them.

    Raises:
        SystemLibraryError: OpenCV cannot be loaded.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("GLOG_minloglevel", "2")  # MediaPipe's notes on GPUs it does not find
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise SystemLibraryError(
            "OpenCV is not installed in this Python; install the project with: pip install -e ."
        ) from error
    except ImportError as error:
        library = str(error).partition(":")[0]
        raise SystemLibraryError(
            f"OpenCV cannot be loaded because {library} is missing; "
            "on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0"
        ) from error
    cv2.setNumThreads(1)


def limit_threads_or_exit() -> None:
    """Do that at the start of a command; where it cannot be done, end the command and say why."""
    try:
        limit_threads()
    except SystemLibraryError as error:
        raise SystemExit(f"error: {error}") from error
