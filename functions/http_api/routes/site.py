"""Serves the page, for everybody: its start page at ``/`` and its other files below ``/web/``."""

import re
from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from http_api.deps import Dependencies
from http_api.problems import Problem
from http_api.site.files import PageFile
from http_api.site.security import security_headers

router = APIRouter()

# Browsers ask again whether a file has changed.
_REVALIDATED = "no-cache"
# The address has the hash of all files, so the file at it never changes.
_IMMUTABLE = "public, max-age=31536000, immutable"
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:$|,|;(?!\s*q=0(?:\.0*)?\s*(?:$|,)))", re.IGNORECASE)


@router.get("/", include_in_schema=False)
def page(request: Request, deps: Dependencies) -> Response:
    """Serve the start page, whose addresses get the version of the files."""
    found = deps.site.index()
    if found is None:
        raise Problem("path_unknown")
    headers = security_headers(deps.websocket_url, deps.sign_in)
    return _answer(request, found, {**headers, "cache-control": _REVALIDATED})


@router.get("/web/{version}/{path:path}", include_in_schema=False)
def page_file(version: str, path: str, request: Request, deps: Dependencies) -> Response:
    """Serve a file of the page. Other versions than the present one get the present file."""
    found = deps.site.file(version, path)
    if found is None:
        raise Problem("path_unknown")
    file, is_of_version = found
    caching = _IMMUTABLE if is_of_version else _REVALIDATED
    return _answer(request, file, {"cache-control": caching})


def _answer(request: Request, file: PageFile, headers: Mapping[str, str]) -> Response:
    # Browsers keep the headers of an answer as well. A weak tag stands for the file with and
    # without compression.
    etag = f'W/"{file.digest_with(repr(headers))}"'
    headers = {**headers, "etag": etag, "vary": "accept-encoding"}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or etag in (one.strip() for one in known.split(",")):
        # Mangum declares JSON where a type is missing.
        return Response(None, 304, headers, file.content_type)
    if file.compressed is not None and _GZIP.search(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        return Response(file.compressed, 200, headers, file.content_type)
    return Response(file.content, 200, headers, file.content_type)
