"""Parts of a page that stay up to date."""

from __future__ import annotations

import anyio

from adept.web.ui.live import live


async def test_what_is_being_read_when_the_browser_goes_away_is_read_to_its_end() -> None:
    begun, done = anyio.Event(), []

    async def render() -> str:
        begun.set()
        await anyio.lowlevel.checkpoint()  # as a cancelled reader would notice here
        done.append("read")
        return "<p>read</p>"

    async def send(_message: object) -> None:
        pass

    async def receive() -> dict[str, str]:
        await begun.wait()
        return {"type": "http.disconnect"}

    await live(render)({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    assert done == ["read"]
