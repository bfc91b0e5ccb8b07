"""The picture in the README: both people's screens at one moment. `python -m tests.browser.picture` makes it anew."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser.people import CONTENT, PHONE, Person, practice
from tests.browser.test_pointing import BRING
from tests.browsers import ARGUMENTS, chromium_path, environment_for
from tests.house import House
from tests.mutations import TOP

PICTURE = TOP / "docs" / "side-by-side.png"
PAGE, BLOCK, WORD = "ups-and-downs", "picture-words", "climbs"
OFFSET = re.sub("<.*?>", "", CONTENT.pages[PAGE].html.partition(f'data-block="{BLOCK}">')[2]).index(WORD)
SIDE_BY_SIDE = """([wide, tall]) => {
  const look = "margin: 0; padding: 24px; background: #cfc6b8; display: flex; gap: 24px; width: max-content";
  document.body.style.cssText = look;
  for (const [data, height] of [[wide, 620], [tall, 620]]) {
    const image = document.createElement("img");
    image.src = `data:image/png;base64,${data}`;
    image.style.cssText = `height: ${height}px; border-radius: 10px; box-shadow: 0 2px 10px rgb(0 0 0 / 30%)`;
    document.body.append(image);
  }
  return Promise.all([...document.images].map((image) => image.decode()));
}"""


async def main() -> None:
    program = chromium_path()
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder))
        await house.start()
        try:
            async with async_playwright() as tools:
                browser = await tools.chromium.launch(
                    executable_path=program, args=list(ARGUMENTS), env={**os.environ, **environment_for(program)}
                )
                async with practice(browser, house) as (alex, sam):
                    await _point(alex, sam)
                    screens = [base64.b64encode(await each.page.screenshot()).decode() for each in (alex, sam)]
                page = await browser.new_page(viewport={"width": 1360, "height": 668})
                await page.evaluate(SIDE_BY_SIDE, screens)
                await page.locator("body").screenshot(path=PICTURE)
                await browser.close()
        finally:
            await house.stop()


async def _point(alex: Person, sam: Person) -> None:
    """Sam taps a word on the phone, and it lights up at Alex's desk."""
    await alex.page.set_viewport_size({"width": 1180, "height": 844})
    await sam.page.set_viewport_size(PHONE)
    await alex.opens("hope")
    await sam.sees("hope")
    await alex.opens(PAGE)
    await asyncio.gather(alex.sees(PAGE), sam.sees(PAGE))
    for each in (alex, sam):
        await each.page.evaluate(BRING, [BLOCK, OFFSET, len(WORD)])
    x, y, width, height = await sam.page.evaluate(BRING, [BLOCK, OFFSET, len(WORD)])
    await sam.page.mouse.click(x + width / 2, y + height / 2)
    await sam.page.locator(".tip-name.mine", has_text="Alex sees it").wait_for()
    await alex.page.locator(".lit").wait_for()


if __name__ == "__main__":
    asyncio.run(main())
