"""``python -m ops.personas``: check all personas. ``make build`` runs it first."""

import sys
from pathlib import Path

from repartee.adapters.personas import FOLDER, load_persona, persona_names
from repartee.domain.persona import PersonaRefused


def main(folder: Path = FOLDER) -> int:
    status = 0
    for name in persona_names(folder):
        try:
            load_persona(name, folder)
        except PersonaRefused as refused:
            status = 2
            for fault in str(refused).splitlines():
                print(f"{folder.name}/{fault}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
