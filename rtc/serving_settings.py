"""What one process that serves has to know, read from parsed flags."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.loading import ModelConfig
    from rtc.config import ServerConfig
    from rtc.ports import PortRange

# Imports that load numpy stand inside the functions: threads must be limited before.


@dataclass(frozen=True)
class ServingSettings:
    """Of one process, wherever it listens.

    Attributes:
        udp_ports: for media; None is any.
        log_level: how much is said on standard error.
        models: which networks, and where they run.
        server: the rest.
        max_sessions_auto: measure at start how many people one core can serve.
    """

    udp_ports: PortRange | None
    log_level: str
    models: ModelConfig
    server: ServerConfig
    max_sessions_auto: bool


def serving_from(given: argparse.Namespace) -> ServingSettings:
    """Build the settings from what ``add_server_flags`` has parsed.

    Raises:
        ValueError: values that are right each for itself do not go together.
    """
    from models.fusion import FusionConfig
    from models.loading import ModelConfig
    from rtc.config import ServerConfig, SessionConfig
    from rtc.flags import ice_servers_from
    from rtc.limit_flags import server_limits_from, session_limits_from
    from rtc.upload_flags import uploads_from

    tracker = SessionConfig().tracker
    tracker = replace(
        tracker,
        voice=replace(tracker.voice, length=given.audio_smooth_k),
        face=replace(tracker.face, length=given.face_smooth_k),
        fusion=FusionConfig(given.fuse_w_voice, given.fusion),
    )
    session = SessionConfig(
        tracker=tracker,
        silence_rms=given.audio_vad_thresh,
        ice_servers=ice_servers_from(given),
        ice_relay_only=given.ice_relay_only,
        announce_address=given.announce_address,
    )
    session = session_limits_from(given, session)
    server = server_limits_from(given, ServerConfig(session=session))
    if given.max_sessions is not None:
        server = replace(server, max_sessions=given.max_sessions)
    models = ModelConfig(
        voice_weights=given.audio_weights,
        face_weights=given.face_weights,
        face_model=given.face_model,
        face_device=given.face_device,
        offline=given.offline,
    )
    return ServingSettings(
        udp_ports=given.udp_ports,
        log_level=given.log_level,
        models=models,
        server=replace(server, uploads=uploads_from(given, models)),
        max_sessions_auto=given.max_sessions is None,
    )
