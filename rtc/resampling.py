"""From sound of any kind to 16-bit mono, in the thread that asks."""

from __future__ import annotations

import av
import av.filter

_Kind = tuple[str, str, int]


def kind_of(frame: av.AudioFrame) -> _Kind:
    """Return what frames must share to be converted as one: format, layout, rate in Hz."""
    return frame.format.name, frame.layout.name, frame.sample_rate


class MonoResampler:
    """What av.AudioResampler does, but without a thread for each processor core and person.

    In 16-bit samples FFmpeg's downmix of equal channels keeps their level; in floating point it
    would raise it by 3 dB.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._kind: _Kind | None = None
        self._graph = av.filter.Graph()

    def resample(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        """Convert a frame; one of another kind than that before begins anew.

        Returns:
            Frames, int16 mono at ``rate_hz``; a few samples stay behind for the next call.
        """
        if (kind := kind_of(frame)) != self._kind:
            self._kind, self._graph = kind, self._graph_for(frame)
        self._graph.push(frame)
        converted: list[av.AudioFrame] = []
        while True:
            try:
                pulled = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return converted
            assert isinstance(pulled, av.AudioFrame)
            converted.append(pulled)

    def _graph_for(self, frame: av.AudioFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        graph.threads = 1
        source = graph.add(
            "abuffer",
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=frame.layout.name,
            time_base=f"1/{frame.sample_rate}",
        )
        converter = graph.add(
            "aformat", sample_rates=str(self._rate_hz), sample_fmts="s16", channel_layouts="mono"
        )
        sink = graph.add("abuffersink")
        source.link_to(converter)
        converter.link_to(sink)
        graph.configure()
        return graph
