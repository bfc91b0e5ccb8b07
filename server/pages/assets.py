"""The built client files: read once at the start, served compressed, kept by browsers for good.

A changed file has another name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.content import Picture

ROOT = Path(__file__).parent.parent.parent / "client_templates"
BUILT = ROOT / "built"
NEEDED = (
    "session.js",
    "before.js",
    "waiting.js",
    "desk.js",
    "staff.js",
    "site.js",
    "check.js",
    "main.css",
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".map": "application/json"}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
FOR_GOOD = "public, max-age=31536000, immutable"


class AssetsProblem(Exception):
    """The client has not been built. One line for the operator."""


class Asset(msgspec.Struct, frozen=True):
    type: str
    plain: bytes
    encoded: dict[str, bytes]


class Assets:
    """The files by the names that `client_templates/build.mjs` gave them."""

    def __init__(self, folder: Path = BUILT) -> None:
        """Raises `AssetsProblem` when something is missing."""
        try:
            self._names = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=dict[str, str])
            self._files = {name: _read(folder / name) for name in self._names.values()}
        except (OSError, msgspec.MsgspecError):
            raise AssetsProblem("the client has not been built; run: make client") from None
        for name in NEEDED:
            if name not in self._names:
                raise AssetsProblem(f"the built client has no {name}; run: make client")

    def address(self, name: str) -> str:
        """Where a file is served, by the name it has in the templates (`main.css`)."""
        return f"/assets/{self._names[name]}"

    def get(self, name: str) -> Asset | None:
        return self._files.get(name)


def _read(file: Path) -> Asset:
    encoded = {
        encoding: file.with_name(file.name + ending).read_bytes()
        for encoding, ending in ENCODINGS
        if file.with_name(file.name + ending).exists()
    }
    return Asset(TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes(), encoded)


def routes(assets: Assets, pictures: Mapping[str, Picture]) -> list[BaseRoute]:
    async def serve(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            return Response(status_code=404)
        headers = {"Cache-Control": FOR_GOOD, "Vary": "Accept-Encoding"}
        body = asset.plain
        for encoding, _ in ENCODINGS:
            if encoding in asset.encoded and _accepts(request, encoding):
                body, headers["Content-Encoding"] = asset.encoded[encoding], encoding
                break
        return Response(body, media_type=asset.type, headers=headers)

    async def picture(request: Request) -> Response:
        """A drawing of a content pack. Its name changes with it."""
        found = pictures.get(request.path_params["picture"])
        if found is None:
            return Response(status_code=404)
        return Response(found.data, media_type="image/svg+xml", headers={"Cache-Control": FOR_GOOD})

    return [Route("/assets/{name}", serve), Route("/pictures/{picture}", picture)]


def _accepts(request: Request, encoding: str) -> bool:
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip() == encoding:
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
