from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from slp_mouthing.avatar.binding import Avatar
    from slp_mouthing.head.rig import Head


@pytest.fixture(scope="session")
def head() -> Head:
    from slp_mouthing.head.builtin import load_builtin

    return load_builtin()


@pytest.fixture(scope="session")
def avatar(head: Head) -> Avatar:
    from slp_mouthing.avatar.default import default_avatar

    return default_avatar(head)
