"""The results and the report of the mailbox benchmark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bench.report import Report, Table
from bench.units.prices import BilledItem, Usage


@dataclass(frozen=True, slots=True)
class MeasuredPeriod:
    """One counted period.

    Attributes:
        speech_share: The share of the user's speech in the period.
        target_milli_usd: The target cost of a minute, None without a target.
    """

    name: str
    usage: Usage
    speech_share: float
    target_milli_usd: Decimal | None


def mailbox_report(periods: Sequence[MeasuredPeriod]) -> Report:
    """Report the units and cost of each period, scaled to a minute."""
    minutes = [period.usage.per_minute() for period in periods]
    rows = [
        (
            item.label,
            *(
                cell
                for minute in minutes
                for cell in (
                    f"{minute.counts.get(item, 0):.4g}",
                    f"{minute.cost_usd(item) * 1_000:.3f}",
                )
            ),
            f"{item.usd} per {item.per:,}" if item.per > 1 else f"{item.usd}",
            item.source,
        )
        for item in BilledItem
    ]
    totals = [cell for minute in minutes for cell in ("", f"{minute.total_usd * 1_000:.3f}")]
    targets = [cell for period in periods for cell in ("", f"{period.target_milli_usd or ''}")]
    rows += [("total", *totals, "", ""), ("target", *targets, "", "")]
    headings = [cell for period in periods for cell in (period.name, "m$")]
    notes = [
        f"{period.name}: {period.usage.seconds:.0f} s, speech {period.speech_share:.0%} of it; "
        "sent out "
        + (", ".join(f"{count:.0f} {name}" for name, count in _by_size(minute.posts)) or "nothing")
        + " a minute."
        for period, minute in zip(periods, minutes, strict=True)
    ]
    return Report(
        "mailbox",
        "AWS units and milli-USD per minute, counted in one run and scaled to a minute",
        (Table(("per minute", *headings, "USD", "source"), rows), _dynamodb(periods, minutes)),
        (
            *notes,
            "Durations are those of this machine, so the GB-s of the short functions are only an "
            "estimate. Gemini's price and the start and end of a session are not included.",
        ),
        {
            "prices": [
                {"item": item.label, "usd": item.usd, "per": item.per, "source": item.source}
                for item in BilledItem
            ],
            "periods": [
                {
                    "name": period.name,
                    "seconds": period.usage.seconds,
                    "speech_share": period.speech_share,
                    "target_musd_per_minute": period.target_milli_usd,
                    "musd_per_minute": minute.total_usd * 1_000,
                    "per_minute": {item.label: minute.counts.get(item, 0) for item in BilledItem},
                    "operations_per_minute": minute.operations,
                    "read_units_per_minute": minute.reads,
                    "write_units_per_minute": minute.writes,
                    "posts_per_minute": minute.posts,
                }
                for period, minute in zip(periods, minutes, strict=True)
            ],
        },
    )


def _dynamodb(periods: Sequence[MeasuredPeriod], minutes: Sequence[Usage]) -> Table:
    """Return the table of DynamoDB calls by purpose, with their units and cost."""
    purposes = sorted({name for minute in minutes for name in minute.operations})
    rows = [
        (
            name,
            *(
                cell
                for minute in minutes
                for cell in (
                    f"{minute.operations.get(name, 0):.0f}",
                    f"{minute.reads.get(name, 0) + minute.writes.get(name, 0):.0f}",
                    f"{minute.dynamodb_usd(name) * 1_000:.3f}",
                )
            ),
        )
        for name in purposes
    ]
    headings = [cell for period in periods for cell in (period.name, "units", "m$")]
    return Table(("DynamoDB, calls per minute", *headings), rows)


def _by_size(counts: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(counts.items(), key=lambda pair: -pair[1])
