"""Measures Repartee's and LangChain's memory on DynamoDB: load a conversation, append a turn."""

import asyncio
import json
import os
import time

from bench.memory_results import COMMIT, OURS, WITHOUT_SUMMARY, Plan, Result, read_result, report
from bench.repartee_memory import measure_repartee_memory
from bench.report import RESULTS, Report, print_now
from bench.units.dynamodb import make_table, running_dynamodb
from bench.units.known_units import known_units
from local.hosting.aws_resources import dynamodb_client
from local.hosting.programs import NotInstalledError
from local.stack import PROJECT

_BASELINES = ".tools/baselines/bin/python"


async def measure_memory(plan: Plan) -> Report:
    """Measure every memory on the same DynamoDB Local, in sequence.

    Raises:
        NotInstalledError: DynamoDB Local or the baselines' environment is missing.
        RuntimeError: The baselines' program failed.
    """
    folder = RESULTS / time.strftime("memory-%Y%m%d-%H%M%S")
    if not (PROJECT / _BASELINES).exists():
        raise NotInstalledError(f"{_BASELINES} is missing: run `make bench memory`")
    async with running_dynamodb(folder) as endpoint:
        check = await asyncio.to_thread(known_units, endpoint)
        results = []
        for kind in (OURS, WITHOUT_SUMMARY, COMMIT):
            for size in plan.sizes:
                print_now(f"memory: {kind}, {size:,} turns ...")
                results.append(
                    await asyncio.to_thread(measure_repartee_memory, endpoint, kind, size, plan)
                )
        print_now("memory: the baselines ...")
        results += await _baselines(endpoint, plan)
    return report(results, check, plan)


async def _baselines(endpoint: str, plan: Plan) -> list[Result]:
    client = dynamodb_client(endpoint)
    given = {
        "endpoint": endpoint,
        "session": {
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "region_name": client.meta.region_name,
        },
        "tables": {
            "history": make_table(client, "history", "SessionId"),
            "saver": make_table(client, "saver", "PK", "SK"),
        },
        "sizes": plan.sizes,
        "samples": plan.samples,
        "conversations": [plan.conversations(size) for size in plan.sizes],
    }
    process = await asyncio.create_subprocess_exec(
        str(PROJECT / _BASELINES),
        *("-m", "bench.baselines.chat_memory", json.dumps(given)),
        cwd=PROJECT,
        env={"PATH": os.defpath, "LANGSMITH_TRACING": "false"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"the baselines failed: {complaints.decode()[-500:]}")
    return [read_result(json.loads(line)) for line in output.decode().splitlines()]
