"""The frame of the observer's pages, with one style for light and dark systems."""

from html import escape

from aiohttp import web

STYLE = """
:root {
  color-scheme: light dark;
  --ground: light-dark(#ffffff, #14171c);
  --text: light-dark(#1b1f24, #e6e9ee);
  --quiet: light-dark(#57606a, #9aa4b2);
  --line: light-dark(#d0d7de, #313842);
  --link: light-dark(#0757ba, #79b8ff);
  --failed: light-dark(#b3261e, #ff8a80);
  --service-0: light-dark(#0b6bcb, #6cb2ff);
  --service-1: light-dark(#1a7f4b, #5fd39a);
  --service-2: light-dark(#8a4fbf, #c9a2f2);
  --service-3: light-dark(#a85b00, #f0b35a);
  --service-4: light-dark(#00707a, #55c9d4);
  font: 0.9375rem/1.5 system-ui, sans-serif;
}
body { margin: 0; background: var(--ground); color: var(--text); }
main { max-width: 90rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
h1 { font-size: 1.375rem; margin: 0.5rem 0; }
nav { border-bottom: 1px solid var(--line); padding: 0.5rem 1.5rem; display: flex; gap: 1.5rem; }
a { color: var(--link); }
p, .quiet { color: var(--quiet); }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; color: var(--quiet); padding-bottom: 0.5rem; }
th { text-align: start; font-weight: 600; }
th:last-child { padding-right: 0; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line); }
td { vertical-align: top; }
td.number, th.number { text-align: end; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { white-space: nowrap; }
td.bar { width: 50%; padding-right: 0; }
.failed { color: var(--failed); font-weight: 600; }
svg { display: block; width: 100%; height: 1.5rem; overflow: visible; }
svg .grid { stroke: var(--line); }
svg text { fill: var(--quiet); font-size: 0.75rem; }
.key { display: inline-block; width: 0.75rem; height: 0.75rem; margin-inline-end: 0.375rem; }
.s0 { fill: var(--service-0); background: var(--service-0); }
.s1 { fill: var(--service-1); background: var(--service-1); }
.s2 { fill: var(--service-2); background: var(--service-2); }
.s3 { fill: var(--service-3); background: var(--service-3); }
.s4 { fill: var(--service-4); background: var(--service-4); }
rect.failed-bar { fill: var(--failed); }
ul.services { list-style: none; display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; padding: 0; }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0.25rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
.d1 { padding-inline-start: 1rem; } .d2 { padding-inline-start: 2rem; }
.d3 { padding-inline-start: 3rem; } .d4 { padding-inline-start: 4rem; }
.d5 { padding-inline-start: 5rem; } .d6 { padding-inline-start: 6rem; }
.dashboards svg { height: auto; }
"""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
# The links at the top of each page: address and text.
LINKS: dict[str, str] = {"/dashboard": "Dashboards", "/traces": "Traces"}


def page(title: str, body: str, *, status: int = 200) -> web.Response:
    """Return a page.

    Args:
        title: Plain text, also the heading.
        body: HTML, in which all text from outside is escaped.
        status: The HTTP status.
    """
    links = "".join(f'<a href="{address}">{escape(text)}</a>' for address, text in LINKS.items())
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="stylesheet" href="/observer.css">
</head>
<body>
<nav aria-label="Pages">{links}</nav>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
