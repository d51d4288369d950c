"""Imports point down: the floors of the package, held.

types, errors, files, trackfile, assets, jit, xmlfile, sampa, phonetics, torchfile
-> the stages (siblings never import one another) -> pipeline -> cli.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import slp_mouthing

PACKAGE = Path(slp_mouthing.__file__).parent
ROOT = PACKAGE.parent
GROUND = {"types", "errors", "files", "trackfile", "assets", "jit", "xmlfile", "sampa", "phonetics", "torchfile"}
UPPER = {
    "pipeline",
    "settings",
    "batch",
    "workers",
    "health",
    "formats",
    "report",
    "baked",
    "parametric",
    "cast",
    "signer",
    "face_points",
    "merging",
    "body_mesh",
    "signer_pictures",
    "staging",
    "dubbing",
    "voicing",
    "drivers",
    "driver_files",
    "mesh_driver",
    "streaming",
    "fitting",
    "training",
    "evaluation",
    "cli",
}
PROTOCOLS = {"slp_mouthing.head.rig"}
"""Interfaces that a sibling may name in its annotations."""


def _module(path: Path) -> str:
    return ".".join(("slp_mouthing", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def _imports(path: Path) -> list[str]:
    """Absolute names of what a file imports, those for annotations only (TYPE_CHECKING) left out for protocols."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [n for n in names if n.split(".")[0] == "slp_mouthing"]


def _stage(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


# Installed from a wheel, the command line lies inside the package; it imports its siblings relatively.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ("cli", "lexicons"))


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(PACKAGE)) for p in FILES])
def test_imports_point_down(path: Path) -> None:
    own = _stage(_module(path))
    for name in _imports(path):
        target = _stage(name)
        if any(name.startswith(p) for p in PROTOCOLS):
            continue
        if own in GROUND:
            assert target in GROUND, f"{path.name} is on the ground floor and imports {name}"
        elif own in UPPER or own == "":
            assert target != "cli", f"{path.name} imports {name}"
        else:
            assert target in GROUND | {own}, f"{path.relative_to(PACKAGE)} imports its sibling {name}"


def _modules_after(code: str) -> set[str]:
    report = f"{code}\nimport sys\nprint(' '.join(m for m in sys.modules))"
    return set(subprocess.run([sys.executable, "-P", "-c", report], capture_output=True, text=True, check=True).stdout.split())


HEAVY = {"torch", "numba", "trimesh", "av", "scipy", "PIL"}


@pytest.mark.parametrize(
    "code",
    [
        "import slp_mouthing",
        "import slp_mouthing.cli.main",
        "import contextlib\nfrom slp_mouthing.cli.main import main\nwith contextlib.suppress(SystemExit): main(['--help'])",
        "import contextlib\nfrom slp_mouthing.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['plan', 'examples/why-because.txt'])",
    ],
    ids=["import", "cli", "help", "plan"],
)
def test_light_commands_import_nothing_heavy(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent)
    assert not _modules_after(code) & HEAVY
