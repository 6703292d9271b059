"""``python -m local.dashboard``: draw the dashboards from a run of the local stack.

It takes the running stack, or else the last run, and writes an HTML page into the run's folder.
"""

import argparse
import html
import sys
from collections.abc import Sequence
from pathlib import Path

from local.dashboard.body import read_body as read_body
from local.dashboard.canvas import NotInstalledError
from local.dashboard.drawing import draw
from local.dashboard.run_data import NoDataError, dashboards
from local.hosting.ports import port_base_or_exit
from local.stack.run_folders import LOCAL
from local.stack.running import RUNNING


def run_folder(port_base: int) -> Path | None:
    """Return the folder of the running stack, or else of the last run; None if there is none."""
    running = RUNNING / str(port_base)
    if running.exists():
        return running.resolve()
    runs = [*LOCAL.glob("run-*"), *(LOCAL / "demo").glob("run-*")]
    return max(runs, key=lambda run: run.name, default=None)


def page(svgs: Sequence[str], run: Path) -> str:
    """Return the HTML page with both dashboards."""
    drawn = "\n".join(svgs)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Dashboards</title>'
        "<style>body{margin:0;background:#f2f3f3;font:14px system-ui,sans-serif}"
        "svg{display:block;margin:0 auto;max-width:100%;height:auto}"
        "p{max-width:1440px;margin:0 auto;padding:8px 12px;color:#545b64}</style>"
        f"<p>{html.escape(str(run))}</p>\n{drawn}\n</html>\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.dashboard", description=__doc__)
    parser.add_argument("--run", type=Path, action="append", help="a run's folder; several add up")
    parser.add_argument("--session", help="the session whose story is shown")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="write PNGs there too")
    given = parser.parse_args()
    runs: list[Path] = given.run or []
    if not runs:
        last = run_folder(port_base_or_exit(parser))
        if last is None:
            sys.exit("no run to draw: start `make up` or `make demo`")
        runs = [last]
    try:
        canvases = {view.name: draw(view) for view in dashboards(runs, given.session)}
    except (NoDataError, NotInstalledError) as error:
        sys.exit(f"local.dashboard: {error}")
    path = runs[-1] / "dashboard.html"
    path.write_text(page([canvas.svg() for canvas in canvases.values()], runs[-1]))
    print(path)
    if given.png:
        given.png.mkdir(parents=True, exist_ok=True)
        for name, canvas in canvases.items():
            picture = given.png / f"dashboard-{name}.png"
            picture.write_bytes(canvas.png())
            print(picture)


if __name__ == "__main__":
    main()
