"""What the timeline draws of a session that is made up, to the pixel, and how often."""

from __future__ import annotations

from tests.web.conftest import OpenTab
from tests.web.devices import Devices
from tests.web.made_up import HAPPY, SAD, WEAK, open_as_live, show_last_minute

_VOICE_Y, _FACE_Y, _STACK_Y = 1, 23, 90  # in the middle of the stack, where the best share lies


async def test_timeline_shows_who_led_where(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Strips and stack have the colours of what was said then, and none where nothing was."""
    tab = await open_as_live(open_tab, happy_devices)
    said = [
        # Voice: nothing for 20 s, then sad, then too weak to name. Face: happy; a gap; sad.
        [half / 2, WEAK if half <= 40 else SAD if half <= 80 else None, _face_at(half / 2)]
        for half in range(130, -1, -1)
        if not 20 < half / 2 < 30
    ]
    at = {name: (60 - before_s) / 60 for name, before_s in _PLACES_S.items()}
    places = [(at[name], y) for name in at for y in (_VOICE_Y, _FACE_Y, _STACK_Y)]
    found = await show_last_minute(tab, said, places)
    by_place = {name: found[3 * n : 3 * n + 3] for n, name in enumerate(at)}
    assert by_place == {
        "long ago": ["well", "happy", "happy"],
        "later": ["sad", "happy", "happy"],
        "in the gap": ["well", "well", "well"],
        "newest": ["uncertain", "sad", "sad"],
    }


_PLACES_S = {"long ago": 50, "later": 35, "in the gap": 25, "newest": 10}


def _face_at(before_s: float) -> tuple[str, float]:
    return ("happy", 0.97) if before_s >= 20 else ("sad", 0.97)


async def test_last_minute_is_sixty_seconds(open_tab: OpenTab, happy_devices: Devices) -> None:
    """The left edge is what was 60 s ago: a change a second later is seen, one before is not."""
    tab = await open_as_live(open_tab, happy_devices)
    said = [
        [half / 2, SAD if half < 118 else HAPPY if half <= 122 else WEAK, None]
        for half in range(140, -1, -1)
    ]
    places = [(share / 60, _VOICE_Y) for share in (0.1, 0.5, 1.3, 2.5, 30, 59.9)]
    found = await show_last_minute(tab, said, places)
    assert found == ["happy", "happy", "sad", "sad", "sad", "sad"]


async def test_timeline_moves_with_the_screen(open_tab: OpenTab, happy_devices: Devices) -> None:
    """It is drawn anew for each frame of the screen, not for each result; paused, not at all."""
    tab = await open_as_live(open_tab, happy_devices)
    draws = await tab.page.evaluate(
        """async (results) => {
          const { LiveTimeline } = await import('/static/timeline.js');
          const { clearRect } = CanvasRenderingContext2D.prototype;
          let draws = 0;
          CanvasRenderingContext2D.prototype.clearRect = function (...given) {
            draws += this.canvas.id === 'timeline';
            return clearRect.apply(this, given);
          };
          const inASecond = () => new Promise((resolve) => {
            const before = draws;
            setTimeout(() => resolve(draws - before), 1000);
          });
          const timeline = new LiveTimeline();
          timeline.start(await madeUp(performance.now() - 60_000, results));
          const moving = [await inASecond(), await inASecond(), await inASecond()];
          document.getElementById('pause').click();
          const paused = await inASecond();
          timeline.stop();
          return [Math.max(...moving), paused];
        }""",
        [[500 * tick, HAPPY, SAD] for tick in range(120)],
    )
    print(f"drawn {draws[0]} times a second")
    assert draws[0] >= 20
    assert draws[1] == 0


async def test_calm_timeline_moves_with_results(open_tab: OpenTab, happy_devices: Devices) -> None:
    """Who wants little motion sees it move when a result comes, and not between."""
    tab = await open_tab(happy_devices)
    await tab.page.emulate_media(reduced_motion="reduce")
    await tab.start()
    await tab.results(3)
    draws = await tab.page.evaluate(
        """async () => {
          const { clearRect } = CanvasRenderingContext2D.prototype;
          let draws = 0;
          CanvasRenderingContext2D.prototype.clearRect = function (...given) {
            draws += this.canvas.id === 'timeline';
            return clearRect.apply(this, given);
          };
          await new Promise((resolve) => setTimeout(resolve, 2000));
          return draws;
        }"""
    )
    assert 1 <= draws <= 8
