"""A local CloudWatch Logs Insights: the template's queries, on the log files of a run.

A query is a chain of the commands ``fields``, ``filter``, ``stats``, ``sort`` and ``limit``. A
``SOURCE`` for each log group may stand before them, as in the log widgets of a dashboard.
``syntax`` has the expressions. Another command, function or operator is a ``QueryError``.
"""
