from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.server.drive import paths
from puras.server.refusals import Refused

ANYTHING = st.text(alphabet=st.characters(codec=None), max_size=60) | st.text(
    alphabet="ab./\\\0é\u0301\ud800\uffff", max_size=12
)


def outcome(path: str) -> str | Refused:
    try:
        return paths.clean(path)
    except Refused as refusal:
        return refusal


@given(ANYTHING)
def test_a_clean_path_keeps_every_rule_and_stays_as_it_is(path: str) -> None:
    clean = outcome(path)
    if isinstance(clean, Refused):
        assert (clean.status, clean.code) == (400, "bad_path")
        return
    assert paths.clean(clean) == clean == unicodedata.normalize("NFC", path)
    assert not {"", ".", ".."} & set(clean.split("/"))
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in clean)
    assert "\\" not in clean
    assert len(clean.encode()) <= 1024


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("", "no part of it may be empty"),
        ("/a", "leading `/`"),
        ("a//b", "no part of it may be empty"),
        ("a/", "no part of it may be empty"),
        ("a/../b", "`.` and `..`"),
        ("./a", "`.` and `..`"),
        ("a\0b", "control characters"),
        ("a\nb", "control characters"),
        ("a\\b", "backslashes"),
        ("a\ud800", "control characters"),
        ("a\U0010ffff", "control characters"),
        ("a" * 1025, "over 1024 bytes"),
        ("é" * 513, "over 1024 bytes"),
    ],
)
def test_a_bad_path_is_refused_by_the_rule_it_breaks(path: str, rule: str) -> None:
    with pytest.raises(Refused, match="bad_path") as refusal:
        paths.clean(path)
    assert rule in refusal.value.detail


@pytest.mark.parametrize("path", ["a", "a/b.txt", "a" * 1024, "...", ".a", "a b/日本.png"])
def test_a_good_path_is_kept(path: str) -> None:
    assert paths.clean(path) == path


def test_a_decomposed_name_is_composed() -> None:
    assert paths.clean("cafe\u0301.png") == "café.png"


@given(ANYTHING)
def test_every_filename_becomes_one_clean_segment(name: str) -> None:
    safe = paths.safe_filename(name)
    assert "/" not in safe
    assert paths.clean(f"uploads/key/{safe}") == f"uploads/key/{safe}"
    assert len(safe.encode()) <= 232


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("photo.jpg", "photo.jpg"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("..", "file"),
        ("", "file"),
        ("a\r\nb.txt", "ab.txt"),
        ("A\ud800\u0300", "À"),
        ("x" * 300 + ".png", "x" * 196 + ".png"),
    ],
)
def test_a_filename_loses_what_is_not_a_name(name: str, safe: str) -> None:
    assert paths.safe_filename(name) == safe


def test_a_path_as_a_skill_writes_it_becomes_the_one_of_the_wire() -> None:
    for written in ("a/b.png", "/a/b.png", "w1/a/b.png", "/w1/a/b.png", " a/b.png "):
        assert paths.relative(written, workspace_id="w1") == "a/b.png"
    with pytest.raises(Refused, match="bad_path"):
        paths.relative("/w1/../w2/x", workspace_id="w1")


def test_prefixes_may_end_anywhere_in_a_path() -> None:
    for prefix in ("", "a", "a/", "a/b"):
        assert paths.clean_prefix(prefix) == prefix
    assert paths.clean_prefix("/") == ""
    for bad in ("../", "/a", "a//"):
        with pytest.raises(Refused, match="bad_path"):
            paths.clean_prefix(bad)


def test_only_a_file_inside_of_a_job_s_folder_has_an_owning_job() -> None:
    assert paths.owning_job("jobs/j1/x.png") == "j1"
    assert paths.owning_job("jobs/j1") is None
    assert paths.owning_job("other/j1/x") is None


@pytest.mark.parametrize(
    ("path", "declared", "mime"),
    [
        ("a.png", "", "image/png"),
        ("a.webp", "", "image/webp"),
        ("a.AVIF", "", "image/avif"),
        ("a.bin", "image/png; charset=x", "image/png"),
        ("a.png", "application/octet-stream", "image/png"),
        ("a.png", "text/html\r\nX-Evil: 1", "image/png"),
        ("a", "", "application/octet-stream"),
        ("folder.png/png", "", "application/octet-stream"),
        ("a.tar.gz", "", "application/octet-stream"),
    ],
)
def test_a_file_s_type_is_declared_or_guessed(path: str, declared: str, mime: str) -> None:
    assert paths.mime_of(path, declared) == mime
