"""The API's description, and a page to read and try it. Both public: they hold no data."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from adept.web.access import PUBLIC
from adept.web.openapi import describe

router = APIRouter(tags=["service"], dependencies=[PUBLIC])

# Swagger UI, shipped with adept; its start stands in a script of its own, since pages have no inline ones.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>adept API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/vendor/swagger-ui.css">
<link rel="stylesheet" href="/static/docs.css">
</head>
<body>
<div id="docs"></div>
<noscript>This page needs scripts. The description itself is at <a href="openapi.json">openapi.json</a>.</noscript>
<script src="/static/vendor/swagger-ui-bundle.js"></script>
<script src="/static/docs.js"></script>
</body>
</html>
"""


@router.get("/openapi.json", response_model=dict[str, Any])
async def openapi(request: Request) -> Response:
    """This description, as OpenAPI 3.1."""
    return JSONResponse(describe(request.app))


@router.get("/docs", response_class=HTMLResponse)
async def docs() -> str:
    """This description as a page, where calls can be tried."""
    return _PAGE
