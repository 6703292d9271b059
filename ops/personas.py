"""``python -m ops.personas``: check all personas. ``make build`` runs it first."""

import sys
from pathlib import Path

from repartee.adapters.personas import FOLDER, load_persona, persona_names
from repartee.domain.persona import PersonaRefused


def faults_in(folder: Path) -> list[str]:
    """Return the faults of all personas in a folder, each with its file and field."""
    faults = []
    for name in persona_names(folder):
        try:
            load_persona(name, folder)
        except PersonaRefused as refused:
            faults += str(refused).splitlines()
    return faults


def main(folder: Path = FOLDER) -> int:
    faults = faults_in(folder)
    for fault in faults:
        print(f"{folder.name}/{fault}", file=sys.stderr)
    return 2 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
