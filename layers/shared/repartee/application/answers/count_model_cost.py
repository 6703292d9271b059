"""Counts what core_agent's models cost: where it is spent, whoever waits for the answer."""

from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.cost.usage import Bill
from repartee.domain.session.state import Spending
from repartee.domain.tools.core_calls import CoreRequest
from repartee.ports.users import UsageStore


def count_model_cost(
    usage: UsageStore, request: CoreRequest | SummaryRequest, run: str, bill: Bill, now_ms: int
) -> None:
    """Add a run's bill to the user's day and to the session that wanted it.

    Without an epoch: the models were paid, also where the worker that asked is gone.

    Args:
        usage: The counters.
        request: Whose run it was.
        run: Unlike any other run's.
        bill: What its models used and cost; an empty one is not written.
        now_ms: The present, as Unix time in ms.

    Raises:
        UserErased: The user's tombstone is set: nothing was counted.
        StoreUnavailable: The table failed beyond the retries.
    """
    if not bill:
        return
    usage.add(Spending(request.user_id, request.session_id, run, now_ms, bill.usage, bill.cost_usd))
