"""What axe, and a look at every element's edges, find wrong with a page."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe

from tests.web.browser import Tab


async def grave_violations(tab: Tab) -> list[str]:
    """Return what axe finds to be serious or critical, and where."""
    # A button half way from grey to green has the contrast of neither.
    await tab.page.evaluate(
        """Promise.all(document.getAnimations()
           .filter((each) => Number.isFinite(each.effect.getComputedTiming().endTime))
           .map((each) => each.finished.catch(() => {})))"""
    )
    found = await Axe().run(tab.page)
    return [
        f"{rule['id']}: {node['html']}"
        for rule in found.response["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


async def sticking_out(tab: Tab) -> list[str]:
    """Return the elements that reach beyond the left or right edge of the screen."""
    return await tab.page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter((each) => {
          const { right, left, width } = each.getBoundingClientRect();
          const isDrawnOutside = each.closest('.stage, .bar');
          return width && !isDrawnOutside && (right > innerWidth + 0.5 || left < -0.5);
        }).map((each) => each.outerHTML.slice(0, 80))"""
    )
