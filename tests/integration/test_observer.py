"""The observer takes OTLP/JSON, and shows the spans of each turn."""

import asyncio
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.hosting.servers import serving
from local.observer import Observer, TraceStore
from local.stack.run_folders import write_parameters

pytestmark = pytest.mark.integration

TRACE = "5b8efff798038103d269b633813fc60c"
ROOT, CHILD, TOOL = "eee19b7ec3c1b174", "eee19b7ec3c1b173", "eee19b7ec3c1b172"
START_NS = 1_796_083_200_000_000_000


def span(span_id: str = ROOT, name: str = "turn", after_ms: int = 0, **fields: Any) -> Any:
    start_ns = START_NS + after_ms * 1_000_000
    times = {"startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + 250_000_000)}
    return {"traceId": TRACE, "spanId": span_id, "name": name, "kind": 2, **times, **fields}


def attribute(key: str, **value: Any) -> Any:
    return {"key": key, "value": value}


def request(*spans: Any, service: str = "stream_agent") -> Any:
    resource = {"attributes": [attribute("service.name", stringValue=service)]}
    scopes = [{"scope": {"name": "repartee"}, "spans": spans}]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}


class _Texts(HTMLParser):
    """The texts of the cells of a page's tables, and the names of all elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.cells: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


class Site:
    """A running observer."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url, self.http = url, http

    async def send(self, body: Any, **options: Any) -> int:
        how = {"data": body, **options} if isinstance(body, bytes) else {"json": body}
        async with self.http.post(f"{self.url}/v1/traces", **how) as answer:
            return answer.status

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def trace(self) -> Any:
        async with self.http.get(f"{self.url}/traces/{TRACE}.json") as answer:
            return await answer.json()


def observe(
    story: Callable[[Site], Awaitable[None]],
    traces: TraceStore | None = None,
    run_directory: Path = Path("no such run"),
) -> None:
    async def run() -> None:
        async with (
            serving(Observer(run_directory, traces).application(), 0) as port,
            aiohttp.ClientSession() as http,
        ):
            await story(Site(f"http://127.0.0.1:{port}", http))

    asyncio.run(run())


def test_a_trace_is_a_tree_though_its_spans_come_in_several_requests() -> None:
    async def story(site: Site) -> None:
        tool = span(TOOL, "execute_tool book", 150, parentSpanId=CHILD)
        assert await site.send(request(tool, service="core_agent")) == 200
        child = span(CHILD, "chat", 100, parentSpanId=ROOT, newField={"a": 1})
        assert await site.send(request(span(), child)) == 200
        spans = (await site.trace())["spans"]
        assert [(one["depth"], one["name"], one["service"]) for one in spans] == [
            (0, "turn", "stream_agent"),
            (1, "chat", "stream_agent"),
            (2, "execute_tool book", "core_agent"),
        ]
        assert (spans[1]["start_ms"], spans[1]["end_ms"]) == (100, 350)

    observe(story)


def test_every_type_of_value_is_read() -> None:
    async def story(site: Site) -> None:
        attributes = [
            attribute("text", stringValue="a"),
            attribute("number", intValue="12"),
            attribute("share", doubleValue=0.5),
            attribute("flag", boolValue=False),
            attribute("list", arrayValue={"values": [{"stringValue": "stop"}]}),
        ]
        await site.send(request(span(attributes=attributes)))
        assert (await site.trace())["spans"][0]["attributes"] == {
            "text": "a",
            "number": 12,
            "share": 0.5,
            "flag": False,
            "list": ["stop"],
        }

    observe(story)


def test_pages_show_the_turns_and_their_failures() -> None:
    async def story(site: Site) -> None:
        assert "No turn is over yet" in (await site.get("/"))[1]
        turn = [
            attribute("repartee.turn", intValue="7"),
            attribute("gen_ai.conversation.id", stringValue="<b>c</b>"),
        ]
        failed = span(CHILD, "chat", 100, parentSpanId=ROOT, status={"code": 2, "message": "busy"})
        await site.send(request(span(attributes=turn), failed))
        _, listed = await site.get("/traces")
        cells = [cell.strip() for cell in _Texts(listed).cells]
        assert cells[6:] == [
            "2026-12-01 00:00:00",
            "turn 7",
            "<b>c</b>",
            "2",
            "350 ms",
            "failed",
        ]
        assert f'href="/traces/{TRACE}"' in listed
        status, drawn = await site.get(f"/traces/{TRACE}")
        page = _Texts(drawn)
        assert status == 200
        assert any(cell.startswith("chat") and "busy" in cell for cell in page.cells)
        assert 'x="28.571%"' in drawn
        assert page.elements.isdisjoint({"script", "b"})

    observe(story)


@pytest.mark.parametrize(
    "change",
    [
        {"traceId": "W47/95gDgQPSabYzgT/GDA=="},
        {"spanId": "123"},
        {"startTimeUnixNano": "0"},
        {"endTimeUnixNano": str(10**30)},
        {"name": ""},
        {"kind": "SPAN_KIND_SERVER"},
    ],
)
def test_what_the_specification_forbids_is_refused(change: dict[str, Any]) -> None:
    async def story(site: Site) -> None:
        assert await site.send(request(span(**change))) == 400
        assert (await site.get(f"/traces/{TRACE}"))[0] == 404

    observe(story)


def test_other_types_are_refused_so_that_pages_of_other_sites_cannot_send() -> None:
    async def story(site: Site) -> None:
        assert await site.send(b"{}", headers={"Content-Type": "text/plain"}) == 415

    observe(story)


def test_new_traces_replace_the_oldest() -> None:
    async def story(site: Site) -> None:
        ids = [f"{number:032x}" for number in (1, 2, 3)]
        for trace_id in ids:
            await site.send(request(span(traceId=trace_id)))
        assert [(await site.get(f"/traces/{one}.json"))[0] for one in ids] == [404, 200, 200]

    observe(story, TraceStore(most=2))


def test_the_page_of_dashboards_says_why_it_shows_none(tmp_path: Path) -> None:
    write_parameters(tmp_path, {})

    async def story(site: Site) -> None:
        status, html = await site.get("/dashboard")
        assert status == 200
        assert f"no metric in {tmp_path}" in html
        _, html = await site.get("/dashboard?session=%22%3E%3Cscript%3E")
        assert "letters and digits only" in html
        assert "<script" not in html

    observe(story, run_directory=tmp_path)
