"""The figures of all replicas as one: each sample with the place of its replica as a label."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

import aiohttp
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from rtc.cluster.messages import Seen

_PATIENCE = aiohttp.ClientTimeout(5.0)


async def of_all(http: aiohttp.ClientSession, everyone: Iterable[Seen]) -> bytes:
    """Ask every replica; return their figures in Prometheus's form.

    Those that do not answer within 5 s are left out.
    """

    async def of_one(seen: Seen) -> tuple[str, str]:
        try:
            async with http.get(
                f"{seen.url}/metrics", headers=seen.pass_, timeout=_PATIENCE
            ) as response:
                return seen.place, await response.text()
        except (aiohttp.ClientError, TimeoutError):
            return seen.place, ""

    registry = CollectorRegistry()
    registry.register(_Together(await asyncio.gather(*map(of_one, everyone))))
    return generate_latest(registry)


class _Together(Collector):
    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        self._texts = list(texts)

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for place, text in self._texts:
            for family in text_string_to_metric_families(text):
                whole = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    labels = {**sample.labels, "replica": place}
                    whole.add_sample(sample.name, labels, sample.value)
        yield from families.values()
