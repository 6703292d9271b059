"""The settings of the simulator, from its command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Settings of one run.

    Attributes:
        record_dir: The folder for records, with one folder per Live connection.
        setup_ms: The time from the client's setup to ``setupComplete``; field reports name 300 to
            1,000.
        first_audio_ms: The time from the choice of a reply to its first audio part.
        speed: Audio seconds emitted per second; None emits as fast as the client reads.
        wait_for_playback: Whether ``turnComplete`` waits until the playing time of the reply has
            passed, as with the service; until then the reply can be interrupted.
        connection_age_s: The age at which the server closes a connection (documented: about 600).
        go_away_s: The time between the goAway and the close (documented: about 60).
        time_scale: The factor by which these two pass faster; a goAway names the unscaled time.
        silence: ``burst`` counts silence after speech as it arrives, ``paced`` in real time.
        deaf_after_s: The time after which an unanswered non-blocking call makes the session ignore
            the user.
    """

    record_dir: Path
    setup_ms: int = 0
    first_audio_ms: int = 0
    speed: float | None = None
    wait_for_playback: bool = False
    connection_age_s: float = 600.0
    go_away_s: float = 60.0
    time_scale: float = 1.0
    deaf_after_s: float = 20.0
    silence: Literal["burst", "paced"] = "burst"
