"""A machine without a browser gets one from npm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.browsers import ARGUMENTS, MODULES, chromium_path, environment_for, unpacked_from_npm


async def test_without_any_chromium_the_one_from_npm_is_unpacked_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.environ["PATH"]
    monkeypatch.delenv("COPAGE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")
    program = chromium_path()
    monkeypatch.setenv("PATH", path)
    assert program.is_relative_to(MODULES)
    environment: dict[str, str | float | bool] = {**os.environ, **environment_for(program)}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS), env=environment)
        page = await browser.new_page()
        await page.set_content("<h1>Sam was here</h1>")
        assert await page.inner_text("h1") == "Sam was here"
        await browser.close()


def test_when_that_is_missing_too_the_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="@sparticuz/chromium"):
        unpacked_from_npm(tmp_path)


def test_a_named_browser_has_to_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COPAGE_CHROMIUM", str(tmp_path / "nothing"))
    with pytest.raises(AssertionError, match="COPAGE_CHROMIUM"):
        chromium_path()
