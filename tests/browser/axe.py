"""axe-core in a world of its own beside the page's script: the page's policy holds for the page, not for it."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.browsers import MODULES

if TYPE_CHECKING:
    from playwright.async_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def barriers(page: Page, rule: str | None = None) -> list[str]:
    """What axe finds in the page as it stands, one line each; by all rules, or by one."""
    devtools = await page.context.new_cdp_session(page)
    try:
        frame = (await devtools.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        world = await devtools.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
        where = world["executionContextId"]
        await _evaluated(devtools, _source(), where)
        options = json.dumps({"runOnly": [rule] if rule else RULES, "resultTypes": ["violations"]})
        said = await _evaluated(devtools, f"axe.run(document, {options}).then(({{violations}}) => violations)", where)
        return [
            f"{barrier['id']}: {node['html'][:160]}: {node['failureSummary']}"
            for barrier in said
            for node in barrier["nodes"]
        ]
    finally:
        await devtools.detach()


async def _evaluated(devtools: Any, expression: str, where: int) -> Any:
    answer = await devtools.send(
        "Runtime.evaluate",
        {"expression": expression, "contextId": where, "awaitPromise": True, "returnByValue": True},
    )
    assert "exceptionDetails" not in answer, answer
    return answer["result"].get("value")


@cache
def _source() -> str:
    file = MODULES / "axe-core" / "axe.min.js"
    assert file.is_file(), "axe-core is not here: make check brings it"
    return file.read_text("utf-8") + ";0"
