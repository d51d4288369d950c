"""The kernel cache: found again by the next process, and usable where nothing can be written beside the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import slp_mouthing
from slp_mouthing import jit

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(slp_mouthing.__file__).parent
TINY_KERNEL = """
import numpy as np
from slp_mouthing import jit

@jit.kernel(jit.F1, jit.OUT1)
def double(values, out):
    for i in range(len(values)):
        out[i] = values[i] * np.float32(2)
"""
RUN = """
import numpy as np, slp_mouthing.tiny as tiny
out = np.zeros(3, np.float32)
values = np.arange(3, dtype=np.float32)
values.flags.writeable = False
tiny.double(values, out)
assert out.tolist() == [0, 2, 4]
print(sum(tiny.double.stats.cache_hits.values()), tiny.jit.cache_dir())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small installation: the package's floor and one kernel, read-only."""
    package = tmp_path / "site" / "slp_mouthing"
    package.mkdir(parents=True)
    for name in ("__init__.py", "jit.py"):
        shutil.copy(PACKAGE / name, package / name)
    (package / "tiny.py").write_text(TINY_KERNEL)
    return package.parent


@pytest.fixture
def run(copy: Path, tmp_path: Path) -> Callable[..., tuple[int, Path]]:
    """Runs the kernel in a process of its own that cannot write to the installation."""
    home = tmp_path / "home"
    home.mkdir()

    def start(**environment: str) -> tuple[int, Path]:
        own = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PYTHONPATH")}
        own |= {"HOME": str(home), "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", **environment}
        result = subprocess.run([sys.executable, "-c", RUN], env=own, cwd=home, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        hits, folder = result.stdout.split(maxsplit=1)
        return int(hits), Path(folder.strip())

    for path in [*copy.rglob("*"), copy]:
        path.chmod(path.stat().st_mode & ~0o222)
    return start


@pytest.mark.skipif(sys.platform != "linux", reason="the cache folder is that of Linux")
def test_a_read_only_installation_compiles_once(run: Callable[..., tuple[int, Path]], copy: Path, tmp_path: Path) -> None:
    hits, folder = run()
    assert hits == 0
    assert folder.is_relative_to(tmp_path / "home" / ".cache")
    assert run()[0] == 1
    assert not list(copy.rglob("__pycache__"))


def test_without_a_home_the_temporary_folder_serves(run: Callable[..., tuple[int, Path]], tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is wanted")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    nowhere = {"HOME": str(blocked), "XDG_CACHE_HOME": str(blocked), "LOCALAPPDATA": str(blocked), "TMPDIR": str(temporary)}
    _, folder = run(**nowhere)
    assert folder.is_relative_to(temporary)
    assert run(**nowhere)[0] == 1


def test_numbas_own_setting_is_obeyed(run: Callable[..., tuple[int, Path]], tmp_path: Path) -> None:
    assert run(NUMBA_CACHE_DIR=str(tmp_path / "mine"))[1] == tmp_path / "mine"


def test_warm_up_reports_and_is_remembered() -> None:
    seen: list[tuple[int, int]] = []
    jit.warm_up(lambda done, total: seen.append((done, total)))
    total = len(jit.KERNEL_MODULES)
    assert seen == [(k + 1, total) for k in range(total)]
    assert jit.kernels_cached()


def test_asking_whether_kernels_are_cached_imports_no_compiler() -> None:
    code = "from slp_mouthing import render; import sys; render.kernels_cached(); print('numba' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
