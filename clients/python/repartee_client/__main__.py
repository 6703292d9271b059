"""``python -m repartee_client`` is the command ``repartee``."""

import signal

if __name__ == "__main__":
    # Ctrl-C during the imports prints no traceback.
    previous = signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys

from repartee_client.commands.program import main

if __name__ == "__main__":
    signal.signal(signal.SIGINT, previous)
    sys.exit(main())
