"""`mouth doctor`'s checks: what is broken is found, and told once with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slp_mouthing import health
from slp_mouthing.speech import espeak

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def check(name: str) -> health.Check:
    return next(check for check in health.check_all() if check.name == name)


def test_every_library_that_a_render_needs_is_imported() -> None:
    checks = {check.name: check for check in health.check_all()}
    for name in ("numpy", "scipy", "numba", "av", "pillow", "pyyaml", "pygltflib", "pympi-ling", "typer", "rich"):
        assert checks[name].ok and checks[name].needed


def test_a_library_that_is_installed_but_broken_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shattered.py").write_text("import no_such_module\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(health, "LIBRARIES", (("rich", "shattered", "tables", True),))
    rich = check("rich")
    assert not rich.ok
    assert rich.remedy == "tables: No module named 'no_such_module'; pip install --force-reinstall rich"


def test_the_voice_tells_its_version() -> None:
    assert check("espeak-ng").found.startswith(f"{espeak.version()}: speaks w ")


def test_a_remedy_is_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import espeakng_loader

    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    for cache in (espeak._installation, espeak._voices):
        cache.cache_clear()
    try:
        remedy = check("espeak-ng").remedy
    finally:
        for cache in (espeak._installation, espeak._voices):
            cache.cache_clear()
    assert "phontab" in remedy and remedy.count("pip install") == 1
