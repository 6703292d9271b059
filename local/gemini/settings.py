"""How the simulator behaves; everything here is set on its command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Settings of one run.

    Attributes:
        record_dir: Gets one folder per Live connection.
        setup_ms: From the client's setup to ``setupComplete``; 300 to 1,000 was seen in the field.
        first_audio_ms: From the decision what to say to its first audio part.
        speed: Audio seconds emitted per second; None emits as fast as the client reads.
        wait_for_playback: Hold ``turnComplete`` until the reply would have been played in real
            time, as the service does; until then it can be interrupted.
        connection_age_s: The server closes a connection at this age (documented: about 600).
        go_away_s: How long before that it says so (documented: about 60).
        time_scale: How many seconds of these two pass in one; a goAway tells the unscaled time.
        silence: ``burst`` counts silence after speech as fast as it arrives, ``paced`` only as fast
            as it would be played.
        deaf_after_s: A non-blocking call unanswered for this long deafens the session.
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
