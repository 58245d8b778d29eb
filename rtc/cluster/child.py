"""The process that serves a replica's people: the very server that runs alone, on one core.

It is apart from the replica that Ray sees, so that neither takes the other's time, and ends when
that does. ``Duties`` come as a line of JSON on its standard input; it says one line, its URL.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from models.threads import limit_threads_or_exit
from rtc.cluster.messages import Duties
from rtc.cluster.slots import core_of, ports_of

if TYPE_CHECKING:
    import socket

    from models.loading import LoadedModels
    from rtc.serving_settings import ServingSettings

# Imports that load numpy stand inside the functions: threads must be limited before.


def main() -> int:
    """Serve until standard input ends; return an exit code."""
    limit_threads_or_exit()
    from models.own_weights import OwnWeightsError
    from models.runtime import DeviceError
    from models.weights import WeightsError
    from rtc.cluster.plan import PlanError
    from rtc.serve import PortError

    try:
        return _run(_duties())
    except (DeviceError, OwnWeightsError, PlanError, PortError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _duties() -> Duties:
    fields = json.loads(sys.stdin.buffer.readline())
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return Duties(**fields | lists)


def _run(duties: Duties) -> int:
    from models.loading import load_models
    from rtc.cluster.plan import settings_from
    from rtc.logs import log_to_stderr
    from rtc.serve import hold_port, new_event_loop

    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, {core_of(duties.slot, duties.cores)})
    settings = _for_cluster(settings_from(duties.flags), duties)
    log_to_stderr(settings.log_level)
    models = load_models(settings.models)
    with hold_port(duties.host, 0) as held:
        factory = partial(new_event_loop, settings.udp_ports)
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_serve(settings, models, held))
    return 0


def _for_cluster(settings: ServingSettings, duties: Duties) -> ServingSettings:
    """Leave to the ingress who may come in, and how often."""
    from rtc.cluster.plan import PlanError
    from rtc.limits import AddressLimits

    server = dataclasses.replace(
        settings.server,
        max_sessions=duties.most_sessions,
        place=duties.place,
        drain_s=0.0,
        doors=dataclasses.replace(settings.server.doors, token=duties.secret),
        address_limits=AddressLimits(0, 0),
    )
    ports = settings.udp_ports
    if ports is not None:
        try:
            ports = ports_of(duties.slot, ports, len(duties.cores), duties.most_sessions)
        except ValueError as error:
            raise PlanError(str(error)) from error
    return dataclasses.replace(settings, server=server, udp_ports=ports, max_sessions_auto=False)


async def _serve(settings: ServingSettings, models: LoadedModels, held: socket.socket) -> None:
    from rtc.cluster.lasting import add_lasting
    from rtc.process import application
    from rtc.serve import Family, address_of, serve_until_signal

    async with application(settings, models) as app:
        add_lasting(app)
        url = address_of(held).rstrip("/")
        ready = partial(print, url, flush=True)
        await serve_until_signal(app, held, ready, family=Family(sys.stdin.fileno()))


if __name__ == "__main__":
    sys.exit(main())
