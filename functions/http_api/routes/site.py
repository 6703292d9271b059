"""Serves the page, for everybody: its start page at ``/`` and its other files below ``/web/``."""

import re
from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from http_api.deps import Dependencies
from http_api.problems import Problem
from http_api.site.files import PageFile

router = APIRouter()

# Browsers ask again whether a file has changed.
_REVALIDATED = "no-cache"
# The address has the hash of all files, so the file at it never changes.
_IMMUTABLE = "public, max-age=31536000, immutable"
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:$|,|;(?!\s*q=0(?:\.0*)?\s*(?:$|,)))", re.IGNORECASE)


@router.get("/", include_in_schema=False)
def page(request: Request, deps: Dependencies) -> Response:
    """Serve the start page, whose addresses get the version of the files."""
    # Most processes serve no page, so they do not wait for this import.
    from http_api.site.security import security_headers

    found = deps.site.index()
    if found is None:
        raise Problem("path_unknown")
    index, version = found
    content = index.content.replace(b"web/current/", f"web/{version}/".encode())
    headers = security_headers(deps.websocket_url, deps.sign_in)
    # Other headers make another page.
    tag = PageFile("", content + repr(headers).encode()).digest
    return _answer(
        request,
        PageFile(index.content_type, content),
        tag,
        {**headers, "cache-control": _REVALIDATED},
    )


@router.get("/web/{version}/{path:path}", include_in_schema=False)
def page_file(version: str, path: str, request: Request, deps: Dependencies) -> Response:
    """Serve a file of the page. Other versions than the present one get the present file."""
    found = deps.site.file(version, path)
    if found is None:
        raise Problem("path_unknown")
    file, is_of_version = found
    headers = {"cache-control": _IMMUTABLE if is_of_version else _REVALIDATED}
    return _answer(request, file, file.digest, headers)


def _answer(request: Request, file: PageFile, tag: str, headers: Mapping[str, str]) -> Response:
    # A weak tag stands for the file with and without compression.
    etag = f'W/"{tag}"'
    headers = {**headers, "etag": etag, "vary": "accept-encoding"}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or etag in (one.strip() for one in known.split(",")):
        # Mangum declares JSON where a type is missing.
        return Response(None, 304, headers, file.content_type)
    if _GZIP.search(request.headers.get("accept-encoding", "")) and file.compressed is not None:
        headers["content-encoding"] = "gzip"
        return Response(file.compressed, 200, headers, file.content_type)
    return Response(file.content, 200, headers, file.content_type)
