"""Serves the API's documentation, for programs and for people."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

router = APIRouter()

# Only a deployment changes the document. A cached copy may be out of date for 5 min after it.
_HEADERS = {"cache-control": "public, max-age=300"}


@router.get("/openapi.json", include_in_schema=False)
def openapi_document(request: Request) -> JSONResponse:
    """Serve the OpenAPI document."""
    return JSONResponse(request.app.openapi(), headers=_HEADERS)


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """Serve the same document as a page to read."""
    # Few requests need this module, so the others do not wait for its import.
    from http_api.page import CONTENT_SECURITY_POLICY, render

    headers = {**_HEADERS, "content-security-policy": CONTENT_SECURITY_POLICY}
    return HTMLResponse(render(request.app.openapi()), headers=headers)
