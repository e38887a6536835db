from __future__ import annotations

import pytest

from puras.server.drive.endings import ending_of


@pytest.mark.parametrize(
    ("mime", "ending"),
    [
        ("audio/wav", ".wav"),
        ("audio/mpeg", ".mp3"),
        ("video/mp4", ".mp4"),
        ("IMAGE/PNG; charset=binary", ".png"),
        ("application/pdf", ".pdf"),
        ("application/x-nobody-knows", None),
        ("", None),
    ],
)
def test_a_file_ends_as_its_type_usually_does(mime: str, ending: str | None) -> None:
    assert ending_of(mime) == ending
