"""What many messages say in sum."""

from __future__ import annotations

from collections import Counter

from rtc.messages import EmotionMessage

UNCERTAIN_BELOW = 0.35  # as web/emotions.js has it


def share_of(messages: list[EmotionMessage], name: str) -> float:
    """Return the share of the messages that have voice, face or fused."""
    return sum(getattr(message, name) is not None for message in messages) / len(messages)


def label_of_most(messages: list[EmotionMessage], name: str) -> str | None:
    """Return the label that more than half of the messages give."""
    found = Counter(m.label for message in messages if (m := getattr(message, name)))
    label, times = found.most_common(1)[0] if found else (None, 0)
    return label if times > len(messages) / 2 else None


def labels_of(messages: list[EmotionMessage]) -> str:
    """Say how often each label was given, by each of the three."""
    counts = []
    for name in ("voice", "face", "fused"):
        given = [getattr(message, name) for message in messages]
        counts.append(f"{name} {dict(Counter(m.label if m else None for m in given))}")
    return "; ".join(counts)
