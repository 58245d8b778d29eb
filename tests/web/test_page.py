"""The page as a person meets it: a real browser, the real server, recordings as devices."""

from __future__ import annotations

import pytest

from tests.web.conftest import OpenTab
from tests.web.devices import Devices
from tests.web.gist import label_of_most, labels_of, share_of
from tests.web.process import ServerProcess, seconds_until

_DASH = "\N{EN DASH}"  # stands where there is nothing to show


async def test_stop_ends_everything_and_start_begins_again(
    open_tab: OpenTab, happy_devices: Devices, server_process: ServerProcess
) -> None:
    """After Stop the page is idle at once and its devices are off; Start works once more."""
    tab = await open_tab(happy_devices)
    for _ in range(2):
        await tab.start()
        await tab.results(3)
        assert await server_process.sessions() == 1
        assert await tab.stop() == "idle"
        ended_s = await seconds_until(lambda: server_process.is_serving(0), within_s=5)
        print(f"session ended on the server {ended_s:.2f} s after Stop")
        assert ended_s <= 1
        assert await tab.text("fused-label", "voice-label", "error") == [_DASH, _DASH, ""]
        states = await tab.page.evaluate("watched.tracks.map(track => track.readyState)")
        assert set(states) == {"ended"}
    assert len(states) == 4
    assert await tab.page.evaluate("watched.iceServers") == []


@pytest.mark.clock  # where others take the processor, the browser's sound has gaps
async def test_angry_man_is_called_angry(open_tab: OpenTab, angry_devices: Devices) -> None:
    """A man who speaks angrily is called angry most of the time."""
    tab = await open_tab(angry_devices)
    await tab.start()
    messages = (await tab.results(64, within_s=60))[4:]  # the clip eight times over
    print(labels_of(messages))
    assert share_of(messages, "face") >= 0.9
    assert label_of_most(messages, "fused") == "angry", labels_of(messages)


async def test_silence_leaves_the_face_alone(open_tab: OpenTab, silent_devices: Devices) -> None:
    """Of a woman who says nothing the face alone counts, and the screen says Silence."""
    tab = await open_tab(silent_devices)
    await tab.start()
    messages = (await tab.results(12))[2:]
    assert share_of(messages, "voice") == 0
    assert share_of(messages, "face") >= 0.9
    for message in messages:
        assert (message.fused and message.fused.probabilities) == (
            message.face and message.face.probabilities
        )
    assert (await tab.text("voice-label"))[0] == "Silence"
    print(labels_of(messages))


async def test_nobody_in_the_picture_is_no_face(
    open_tab: OpenTab, no_face_devices: Devices
) -> None:
    """Where nobody is in the picture, no face is found, and the screen says so."""
    tab = await open_tab(no_face_devices)
    await tab.start()
    messages = await tab.results(8)
    assert share_of(messages, "face") == 0
    _, screen = await tab.shown()
    assert screen["face"][0] == "No face"
    assert not screen["box"]
    print(labels_of(messages))


async def test_weak_evidence_is_called_uncertain(open_tab: OpenTab, happy_devices: Devices) -> None:
    """A best share below the limit is not made a label; at the limit it is."""
    tab = await open_tab(happy_devices)
    for share, label, emotion in ((0.34, "Uncertain", "none"), (0.35, "Sad", "sad")):
        await tab.page.evaluate(
            """async (share) => {
              const { showMessage } = await import('/static/view.js');
              const { EMOTIONS } = await import('/static/emotions.js');
              const rest = EMOTIONS.map((emotion) => [emotion, (1 - share) / 6]);
              const probabilities = { ...Object.fromEntries(rest), sad: share };
              const modality = { label: 'sad', probabilities, age_ms: 0 };
              showMessage({ voice: modality, face: null, fused: modality, top5: [] }, {});
            }""",
            share,
        )
        assert await tab.text("voice-label", "fused-label") == [label, label]
        assert await tab.page.get_attribute("#fused", "data-emotion") == emotion
        assert await tab.text("voice-probability") == [f"{share * 100:.0f} %"]
