"""A page measured in pixels, drawn by matplotlib, which `make dashboard` installs."""

import io
import site
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local.stack.options import PROJECT

_PACKAGES = PROJECT / ".tools" / "plots" / "lib" / "python3.13" / "site-packages"

WIDTH_PX = 1440
INK, QUIET, LINE, GROUND, CARD, LINK = (
    *("#16191f", "#545b64", "#d5dbdb", "#f2f3f3"),
    *("#ffffff", "#0757ba"),
)
MONOSPACE = "DejaVu Sans Mono"


class NotInstalledError(RuntimeError):
    """matplotlib is missing."""


def is_installed() -> bool:
    """Return whether matplotlib is installed."""
    return (_PACKAGES / "matplotlib").is_dir()


@dataclass(slots=True)
class Canvas:
    """A page of 1,440 pixels; y grows downwards. One point of a font is one pixel.

    Args:
        height_px: Its height.

    Raises:
        NotInstalledError: matplotlib is missing.
    """

    height_px: float
    _figure: Any = field(init=False)

    def __post_init__(self) -> None:
        if not is_installed():
            raise NotInstalledError("matplotlib is missing: run `make dashboard`")
        site.addsitedir(str(_PACKAGES))
        import matplotlib as mpl

        mpl.use("agg")
        # The SVG keeps its text, which a reader can search and copy.
        mpl.rcParams["svg.fonttype"] = "none"
        mpl.rcParams["font.family"] = ["DejaVu Sans"]
        from matplotlib.figure import Figure

        self._figure = Figure(
            figsize=(WIDTH_PX / 72, self.height_px / 72), dpi=72, facecolor=GROUND
        )

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str, edge: str = "none"
    ) -> None:
        """Draw a rectangle."""
        from matplotlib.patches import Rectangle

        corner = (x / WIDTH_PX, 1 - (y + height) / self.height_px)
        self._figure.add_artist(
            Rectangle(
                corner,
                width / WIDTH_PX,
                height / self.height_px,
                facecolor=fill,
                edgecolor=edge,
                linewidth=1,
                # Behind the axes.
                zorder=-1,
                transform=self._figure.transFigure,
            )
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 11,
        color: str = INK,
        bold: bool = False,
        monospace: bool = False,
        url: str | None = None,
    ) -> None:
        """Write one line; ``y`` is its baseline."""
        self._figure.text(
            x / WIDTH_PX,
            1 - y / self.height_px,
            # A dollar sign would begin a formula.
            text.replace("$", r"\$"),
            fontsize=size,
            color=LINK if url else color,
            fontweight="bold" if bold else "normal",
            family=MONOSPACE if monospace else "DejaVu Sans",
            verticalalignment="baseline",
            url=url,
        )

    def width_of(self, text: str, *, size: float = 11, bold: bool = False) -> float:
        """Return the width of a text in pixels."""
        from matplotlib.font_manager import FontProperties
        from matplotlib.textpath import TextPath

        font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
        return float(
            TextPath((0, 0), text.replace("$", r"\$"), size=size, prop=font).get_extents().x1
        )

    def axes(self, x: float, y: float, width: float, height: float) -> Any:
        """Return matplotlib's axes in a rectangle."""
        return self._figure.add_axes(
            (
                x / WIDTH_PX,
                1 - (y + height) / self.height_px,
                width / WIDTH_PX,
                height / self.height_px,
            )
        )

    def png(self) -> bytes:
        """Return the page as a PNG with 256 colours, which halves its size."""
        from PIL import Image

        drawn = Image.open(io.BytesIO(self._saved("png"))).convert("RGB")
        file = io.BytesIO()
        drawn.quantize(256, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
        return file.getvalue()

    def svg(self) -> str:
        """Return the page as an SVG element."""
        text = self._saved("svg").decode()
        return text[text.index("<svg") :]

    def _saved(self, kind: str) -> bytes:
        file = io.BytesIO()
        self._figure.savefig(file, format=kind)
        return file.getvalue()


def columns_px(
    cells: Sequence[Sequence[str]], available_px: float, character_px: float, gap_px: float
) -> Sequence[float]:
    """Return the width of each column of a table; the widest give way if they do not fit."""
    widths = [max(map(len, column)) * character_px + gap_px for column in zip(*cells, strict=True)]
    while sum(widths) > available_px:
        widest = max(widths)
        others = [width for width in widths if width < widest]
        count = len(widths) - len(others)
        surplus = (sum(widths) - available_px) / count
        fewer = max(widest - surplus, max(others, default=0.0))
        widths = [min(width, fewer) for width in widths]
    return widths


def shortened(text: str, width_px: float, character_px: float) -> str:
    """Return a text that fits into a width, with ``…`` in place of its end."""
    count = int(width_px / character_px)
    return text if len(text) <= count else text[: max(0, count - 1)] + "…"
