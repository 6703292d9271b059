"""``python -m local.dashboard``: draw the dashboards from a run of the local stack.

It takes the running stack, or else the last run, and writes into the folder ``dashboard`` of the
run: an SVG of each dashboard, and a page with all of them.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path

from local.dashboard.canvas import NotInstalledError
from local.dashboard.drawing import draw
from local.dashboard.run_data import NoDataError, dashboards
from local.hosting.ports import port_base_or_exit
from local.stack.run_folders import LOCAL
from local.stack.running import RUNNING


def run_folder(port_base: int, local: Path = LOCAL) -> Path | None:
    """Return the folder of the running stack, or else of the last run; None if there is none."""
    running = local / RUNNING.name / str(port_base)
    if running.exists():
        return running.resolve()
    runs = [*local.glob("run-*"), *(local / "demo").glob("run-*")]
    return max(runs, key=lambda run: run.name, default=None)


def page(svgs: Iterable[str], title: str) -> str:
    """Return a page with the dashboards.

    Args:
        svgs: The dashboards as SVG elements.
        title: Plain text.
    """
    drawn = "\n".join(svgs)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(title)}</title>
<style>body {{ margin: 0; background: #f2f3f3 }} svg {{ max-width: 100%; height: auto }}</style>
</head>
<body>
{drawn}
</body>
</html>
"""


def main() -> None:
    # Logs may name users: only the owner of the run may read what is drawn from them.
    os.umask(0o077)
    parser = argparse.ArgumentParser(prog="python -m local.dashboard", description=__doc__)
    parser.add_argument(
        "--run", type=Path, nargs="+", help="folders of runs, whose records count as one run"
    )
    parser.add_argument("--session", help="the session whose story is shown")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="write PNGs there")
    given = parser.parse_args()
    if given.session and not given.session.isalnum():
        parser.error("a session's id has letters and digits only")
    runs: list[Path] = given.run or []
    if not runs:
        last = run_folder(port_base_or_exit(parser))
        if last is None:
            sys.exit("local.dashboard: no run to draw: start `make up` or `make demo`")
        runs = [last]
    try:
        canvases = {view.name: draw(view) for view in dashboards(runs, given.session)}
    except (NoDataError, NotInstalledError) as error:
        sys.exit(f"local.dashboard: {error}")
    folder = runs[-1] / "dashboard"
    folder.mkdir(exist_ok=True)
    svgs = {name: canvas.svg() for name, canvas in canvases.items()}
    for name, svg in svgs.items():
        (folder / f"{name}.svg").write_text(svg)
    index = folder / "index.html"
    index.write_text(page(svgs.values(), f"Dashboards of {runs[-1].name}"))
    print(index)
    for name, canvas in canvases.items() if given.png else ():
        picture = given.png / f"dashboard-{name.rpartition('-')[2]}.png"
        picture.write_bytes(canvas.png())
        print(picture)


if __name__ == "__main__":
    main()
