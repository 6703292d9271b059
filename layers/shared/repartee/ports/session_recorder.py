from typing import Protocol


class SessionRecorder(Protocol):
    """Keeps recordings of sessions for whoever looks for a fault; they hold what people said."""

    @property
    def wants_audio(self) -> bool:
        """Tell whether recordings are to hold the audio too."""
        ...

    def append(self, recording: str, line: str) -> None:
        """Add a line to a recording; never raises, since no session may fail for its recording.

        Args:
            recording: Its name; letters, digits, ``-`` and ``_``.
            line: Without its end.
        """
        ...
