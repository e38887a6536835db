from __future__ import annotations

import pytest

from puras.bundle.ignore import ALWAYS_LEFT_OUT, parse_ignore


def left_out(pattern: str, path: str) -> bool:
    """A path that ends with / is a folder."""
    return parse_ignore(pattern).leaves_out(path.removesuffix("/"), is_folder=path.endswith("/"))


@pytest.mark.parametrize(
    ("pattern", "path", "is_out"),
    [
        ("notes.txt", "notes.txt", True),
        ("notes.txt", "a/b/notes.txt", True),
        ("notes.txt", "notes.txt.bak", False),
        ("*.jpg", "a/photo.jpg", True),
        ("*.jpg", "a/photo.jpeg", False),
        ("photo?.jpg", "photo1.jpg", True),
        ("photo?.jpg", "photo.jpg", False),
        ("photo?.jpg", "photo/.jpg", False),
        ("/top.txt", "top.txt", True),
        ("/top.txt", "a/top.txt", False),
        ("a/b.txt", "a/b.txt", True),
        ("a/b.txt", "c/a/b.txt", False),
        ("a/*.txt", "a/b/c.txt", False),
        ("tests/", "tests/", True),
        ("tests/", "a/tests/", True),
        ("tests/", "tests", False),
        ("/tests/", "a/tests/", False),
        ("**/data", "data", True),
        ("**/data", "a/b/data", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/**/z", "a/b/z", True),
        ("[a].txt", "[a].txt", True),
        ("[a].txt", "a.txt", False),
        ("# comment", "# comment", False),
        ("\\#file", "#file", True),
        ("\\!file", "!file", True),
        ("", "anything", False),
        ("/", "anything", False),
    ],
)
def test_patterns_leave_out_what_they_name(pattern: str, path: str, is_out: bool) -> None:
    assert left_out(pattern, path) is is_out


def test_the_last_line_that_matches_decides() -> None:
    assert not left_out("*.txt\n!keep.txt", "a/keep.txt")
    assert left_out("*.txt\n!keep.txt\nkeep.txt", "keep.txt")


def test_what_is_always_left_out_can_be_taken_back() -> None:
    assert left_out("", "build/")
    assert not left_out("!build/", "build/")


@pytest.mark.parametrize(
    "path",
    [".git/", "a/node_modules/", "a/__pycache__/", "x.pyc", "a/b.log", ".env", ".env.local",
     ".DS_Store", "venv/", "env/", "dist/", ".purasignore"],
)  # fmt: skip
def test_what_never_belongs_into_a_bundle_is_left_out(path: str) -> None:
    assert left_out("", path)


def test_the_rest_belongs_into_it() -> None:
    for path in ("environment.py", "a/.envrc", "builds/", "main.py", "distance/", ".github/"):
        assert not left_out("", path)
    assert len(set(ALWAYS_LEFT_OUT)) == len(ALWAYS_LEFT_OUT)
