"""Counts the cost of core_agent's models, also if the worker that asked has gone."""

from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.cost.usage import Bill
from repartee.domain.session.state import Spending
from repartee.domain.tools.core_calls import CoreRequest
from repartee.ports.metrics import Metrics, spending
from repartee.ports.users import UsageStore


def count_model_cost(
    usage: UsageStore,
    metrics: Metrics,
    request: CoreRequest | SummaryRequest,
    run: str,
    bill: Bill,
    now_ms: int,
) -> None:
    """Add a run's bill to the metrics, to the user's day and to the session that asked.

    The spending has no epoch: the cost counts even if the worker that asked has lost its lease.

    Args:
        usage: The counters.
        metrics: The metrics, which count the bill even if the counters fail.
        request: The request that the run answered.
        run: The run's unique id.
        bill: The usage and cost of its models; an empty one is not written.
        now_ms: The present, as Unix time in ms.

    Raises:
        UserErased: The user's tombstone is set: nothing was counted.
        StoreUnavailable: The table failed beyond the retries.
    """
    if not bill:
        return
    metrics.record(spending(bill))
    usage.add(Spending(request.user_id, request.session_id, run, now_ms, bill.usage, bill.cost_usd))
