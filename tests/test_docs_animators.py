"""Every command on the animators' page runs as it stands, and every format that it names is one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("pxr", reason="usd-core is not installed")

from slp_mouthing import formats
from slp_mouthing.cli.main import run

PAGE = Path(__file__).parent.parent / "docs" / "animators.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_commands_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "why-because.txt").write_text("WHY@0.2\nBECAUSE@0.2\n")
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL):
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert (program, run(arguments)) == ("mouth", 0), line
    made = {path.name for path in (tmp_path / "out").glob("why-because-001.*")}
    assert {f"why-because-001.{suffix}" for suffix in ("glb", "usd", "oculus.csv", "vrm.json", "rhubarb.json")} <= made


def test_formats_on_the_page_are_ours() -> None:
    named = set(re.findall(r"`\.([\w.]+)`", TEXT))
    assert named <= set(formats.writers(formats.PictureOptions())), "a format that no one writes"


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", TEXT)
    assert links and all((PAGE.parent / link).exists() for link in links)
