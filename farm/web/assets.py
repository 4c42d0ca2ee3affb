"""The files that browsers fetch: our own, and those of the packages that set-up has fetched."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from farm.errors import Misuse

HERE = Path(__file__).parent
FOLDERS = {"static": HERE / "static", "vendor": HERE / "vendor"}
SUFFIXES = (".css", ".js", ".svg")
HASH_CHARS = 12
FOR_A_YEAR = "public, max-age=31536000, immutable"


class Assets:
    """Every file with the hash of what it holds in its address, so that browsers may keep it for good."""

    def __init__(self, folders: Mapping[str, Path] = FOLDERS) -> None:
        self._files = {
            f"{name}/{file.relative_to(folder).as_posix()}": file
            for name, folder in folders.items()
            for file in sorted(folder.rglob("*"))
            if file.suffix in SUFFIXES
        }
        if not any(name.startswith("vendor/") for name in self._files):
            raise Misuse(
                "the files that the pages need in the browser are not there; in a checkout `make install` "
                "fetches them"
            )
        self._hashes = {name: _hash(file) for name, file in self._files.items()}

    def url(self, name: str) -> str:
        """Where a file is served, such as `static/farm.css`; raises KeyError for one that there is not."""
        return f"/assets/{self._hashes[name]}/{name}"

    def serve(self, request: Request) -> Response:
        """One file; whatever its hash, as a page of an older version may still ask for it."""
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        current = request.path_params["hash"] == self._hashes[name]
        headers = {"cache-control": FOR_A_YEAR if current else "no-cache"}
        return FileResponse(self._files[name], headers=headers)

    def route(self) -> Route:
        """Serves all of them."""
        return Route("/assets/{hash}/{name:path}", self.serve, name="assets")


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:HASH_CHARS]
