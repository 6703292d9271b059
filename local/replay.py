"""``python -m local.replay FILE``: run a recording through the current session machine.

Prints the first effect that differs from the recorded one. Exits with status 0 if none differs, 1
if one differs, 2 if the file is not a recording.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from repartee.adapters.personas import load_persona
from repartee.config import DEFAULT_PERSONA
from repartee.domain.live.persona_prompt import live_persona
from repartee.domain.session.replay.recording import RecordingUnreadable, replay

_EVENT_CHARACTERS = 500
_HINT = "`make up RECORD=events` makes recordings in its run's folder"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.replay", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording, SESSION-EPOCH.jsonl")
    path: Path = parser.parse_args(arguments).file
    persona = live_persona(DEFAULT_PERSONA, load_persona(DEFAULT_PERSONA))
    try:
        with path.open(encoding="utf-8") as lines:
            steps, difference = replay(lines, persona)
    except OSError as error:
        print(f"{path}: {error.strerror}; {_HINT}", file=sys.stderr)
        return 2
    except UnicodeDecodeError as error:
        print(f"{path}: no recording: {error}; {_HINT}", file=sys.stderr)
        return 2
    except RecordingUnreadable as error:
        if error.line == 1:
            print(f"{path}: no recording that can be replayed: {error}; {_HINT}", file=sys.stderr)
        else:
            print(f"{path}:{error.line}: not a line of a recording: {error}", file=sys.stderr)
        return 2
    if difference is None:
        print(f"{path}: {steps} events give the same effects as they did")
        return 0
    event = json.dumps(difference.event, ensure_ascii=False)
    if len(event) > _EVENT_CHARACTERS:
        event = f"{event[:_EVENT_CHARACTERS]}…"
    print(f"{path}:{difference.line}: {difference.place} differs, at event {steps}")
    print(f"  recorded  {difference.recorded}")
    print(f"  replayed  {difference.replayed}")
    print(f"  event     {event}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
