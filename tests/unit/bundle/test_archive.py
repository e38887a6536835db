from __future__ import annotations

import stat
import tracemalloc
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puras.bundle.archive import Limits, unpack
from puras.bundle.faults import BadBundle

from .crafted_zip import Entry, crafted

SMALL = Limits(archive_bytes=64 * 1024, unpacked_bytes=10_000, files=20)
GOOD = Entry(b"a/skill.yaml", b"entrypoint: main.py:run")


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def unpacked(
    tmp_path: Path, entries: Sequence[Entry] | bytes, *, skill_name: str | None = None
) -> dict[str, bytes]:
    data = entries if isinstance(entries, bytes) else crafted(entries)
    room = tmp_path / "room"
    room.mkdir()
    (tmp_path / "archive.zip").write_bytes(data)
    try:
        unpack(tmp_path / "archive.zip", room / "out", limits=SMALL, skill_name=skill_name)
    except BadBundle:
        assert list(room.iterdir()) == [], "a failure left something behind"
        raise
    assert [path.name for path in room.iterdir()] == ["out"]
    return tree(room / "out")


def test_an_honest_archive_comes_out_as_it_went_in(tmp_path: Path) -> None:
    entries = [
        GOOD,
        Entry(b"a/", mode=stat.S_IFDIR | 0o755, method=0),
        Entry(b"a/run.sh", b"#!/bin/sh", mode=stat.S_IFREG | 0o4755),
        Entry(b"lib/stored.bin", b"\0\1", method=0),
        Entry("lib/ünï.txt".encode(), b"x"),
        Entry("lib/unflagged-ü.txt".encode(), b"y", flags=0),
        Entry(b"lib/no-mode", b"z", mode=0),
    ]
    assert unpacked(tmp_path, entries) == {
        "a/skill.yaml": GOOD.data,
        "a/run.sh": b"#!/bin/sh",
        "lib/stored.bin": b"\0\1",
        "lib/ünï.txt": b"x",
        "lib/unflagged-ü.txt": b"y",
        "lib/no-mode": b"z",
    }
    out = tmp_path / "room/out"
    assert (out / "a/run.sh").stat().st_mode & 0o7777 == 0o755
    assert (out / "a/skill.yaml").stat().st_mode & 0o7777 == 0o644


def test_names_come_out_in_their_composed_form(tmp_path: Path) -> None:
    decomposed, composed = "e\u0301.txt", "\u00e9.txt"
    assert unpacked(tmp_path, [GOOD, Entry(decomposed.encode(), b"x")])[composed] == b"x"


def test_what_a_mac_adds_is_dropped(tmp_path: Path) -> None:
    junk = [Entry(b"__MACOSX/a/._skill.yaml", b"x"), Entry(b"a/.DS_Store", b"x")]
    assert list(unpacked(tmp_path, [GOOD, *junk])) == ["a/skill.yaml"]


BAD_NAMES = [
    (b"/etc/passwd", "absolute path"),
    (b"C:/windows", "absolute path"),
    (b"c:evil", "absolute path"),
    (b"../up", "leads out of the bundle"),
    (b"a/../../up", "leads out of the bundle"),
    (b"a/..", "leads out of the bundle"),
    (b"..\\up", "never a backslash"),
    (b"a\\b", "never a backslash"),
    (b"a//b", "an empty part"),
    (b"a/./b", "an empty part"),
    (b"./a", "an empty part"),
    (b"", "an empty part"),
    (b"a/b//", "an empty part"),
    (b"a\x00b", "control characters"),
    (b"a\nb", "control characters"),
    (b"a\x7fb", "control characters"),
    ("a\u0085b".encode(), "control characters"),
    (b"x" * 256, "longer than 255 bytes"),
    ("é".encode() * 128, "longer than 255 bytes"),
    (b"/".join([b"x" * 200] * 6), "longer than 1024 bytes"),
    (b"/".join([b"x"] * 40), "deeper than 32 folders"),
]


@pytest.mark.parametrize(("name", "words"), BAD_NAMES)
def test_a_name_that_is_no_path_inside_is_refused_by_name(
    tmp_path: Path, name: bytes, words: str
) -> None:
    with pytest.raises(BadBundle, match=words) as raised:
        unpacked(tmp_path, [GOOD, Entry(name, b"x")])
    assert raised.value.entry is not None


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([b"x", b"x"], "there twice"),
        ([b"x", b"X"], "in case alone"),
        ([b"dir/x", b"DIR/y"], "in case alone"),
        ([b"dir", b"dir/x"], "there twice"),
        ([b"dir/x", b"dir"], "there twice"),
        ([b"dir/x", b"Dir"], "in case alone"),
        (["e\u0301".encode(), "\u00e9".encode()], "there twice"),
        (["ß".encode(), b"ss"], "in case alone"),
        (["É".encode(), "e\u0301".encode()], "in case alone"),
    ],
)
def test_names_that_some_file_system_takes_for_one_are_refused(
    tmp_path: Path, names: list[bytes], words: str
) -> None:
    with pytest.raises(BadBundle, match=words):
        unpacked(tmp_path, [GOOD, *(Entry(name) for name in names)])


BAD_ENTRIES = [
    (Entry(b"x", b"/etc/passwd", mode=stat.S_IFLNK | 0o777), "symlinks are not allowed"),
    (Entry(b"x/", b"/etc", mode=stat.S_IFLNK | 0o777), "symlinks are not allowed"),
    (Entry(b"x", mode=stat.S_IFIFO), "only files and folders"),
    (Entry(b"x", mode=stat.S_IFCHR), "only files and folders"),
    (Entry(b"x", mode=stat.S_IFBLK), "only files and folders"),
    (Entry(b"x", mode=stat.S_IFSOCK), "only files and folders"),
    (Entry(b"x", mode=stat.S_IFDIR), "only files and folders"),
    (Entry(b"x/", mode=stat.S_IFREG), "only files and folders"),
    (Entry(b"x", b"x", flags=0x801), "the file is encrypted"),
    (Entry(b"x", b"x", method=12), "only stored and deflated"),
    (Entry(b"x", b"x", method=14), "only stored and deflated"),
    (Entry(b"x/", b"x", mode=0), "a folder can't have bytes"),
    (Entry(b"\xff", b"x", flags=0), "is not UTF-8"),
    (Entry(b"\xff", b"x"), "damaged"),
    (Entry(b"x", b"x", local_name=b"y"), "damaged"),
    (Entry(b"x", b"x", crc=1), "damaged"),
    (Entry(b"x", b"x" * 100, size=50), "damaged"),
    (Entry(b"x", b"x" * 50, size=100), "not what the archive says"),
    (Entry(b"x", b"x" * 50, packed_size=2), "damaged|not what"),
    (Entry(b"x", b"x", packed_size=10_000), "reaches into the list"),
    (Entry(b"x", b"x", method=0, size=2), "not what the archive says|damaged"),
    (Entry(b"x", b"x", offset=0), "shares bytes|damaged"),
    (Entry(b"x", b"x", offset=10**6), "damaged"),
    (Entry(b"x", b"x", offset=2**32 - 1), "damaged"),
    (Entry(b"x", b"\0" * 10_001), "over 0 MiB unpacked"),
]


@pytest.mark.parametrize(("entry", "words"), BAD_ENTRIES)
def test_an_entry_that_lies_or_is_no_file_is_refused(
    tmp_path: Path, entry: Entry, words: str
) -> None:
    with pytest.raises(BadBundle, match=words):
        unpacked(tmp_path, [GOOD, entry])


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadBundle, match="no zip"):
        unpacked(tmp_path, data)


def test_an_archive_over_its_limit_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="the archive is over"):
        unpacked(tmp_path, b"\0" * (SMALL.archive_bytes + 1))


def test_more_files_than_allowed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="more than 20 files"):
        unpacked(tmp_path, [Entry(f"f{number}".encode()) for number in range(21)])


def test_more_folders_than_files_allow_are_refused(tmp_path: Path) -> None:
    names = [f"{'/'.join(f'd{number}-{depth}' for depth in range(20))}/f" for number in range(3)]
    with pytest.raises(BadBundle, match="more than 20 files"):
        unpacked(tmp_path, [Entry(name.encode()) for name in names])


def test_a_list_of_a_million_entries_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(crafted([Entry(b"x", method=0)] * 100_000))
    tracemalloc.start()
    with pytest.raises(BadBundle, match="more than 20,000 files"):
        unpack(path, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 1024**2


def test_a_bomb_whose_sizes_lie_is_refused_while_it_is_read(tmp_path: Path) -> None:
    bomb = Entry(b"x", b"\0" * 40_000_000, size=9_000)
    with pytest.raises(BadBundle, match="damaged"):
        unpacked(tmp_path, [GOOD, bomb])


def test_files_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    kernel = Entry(b"x", b"\0" * 4_000)
    again = Entry(b"y", b"\0" * 4_000, offset=0)
    with pytest.raises(BadBundle, match="shares bytes"):
        unpacked(tmp_path, [kernel, again])


def test_a_folder_around_all_skills_is_stripped(tmp_path: Path) -> None:
    wrapped = [Entry(b"pack-main/a/skill.yaml", b"x"), Entry(b"pack-main/README.md", b"y")]
    assert unpacked(tmp_path, wrapped) == {"a/skill.yaml": b"x", "README.md": b"y"}


@pytest.mark.parametrize(
    "entries",
    [
        [Entry(b"a/skill.yaml"), Entry(b"a/sub/skill.yaml")],
        [Entry(b"w/a/skill.yaml"), Entry(b"README.md")],
        [Entry(b"w/a/skill.yaml"), Entry(b"v/b/skill.yaml")],
        [Entry(b"w/code.py")],
    ],
)
def test_any_other_folder_stays(tmp_path: Path, entries: list[Entry]) -> None:
    assert set(unpacked(tmp_path, entries)) == {entry.name.decode() for entry in entries}


MATTER = b"---\nname: helper\ndescription: Helps.\n---\n"


def test_a_lone_skill_gets_a_folder_of_its_name(tmp_path: Path) -> None:
    lone = [Entry(b"skill.yaml"), Entry(b"main.py"), Entry(b"puras.yaml")]
    assert set(unpacked(tmp_path, lone, skill_name="greet")) == {
        "greet/skill.yaml", "greet/main.py", "puras.yaml",
    }  # fmt: skip


def test_a_lone_agent_skill_names_itself(tmp_path: Path) -> None:
    lone = [Entry(b"SKILL.md", MATTER), Entry(b"references/x.md")]
    assert set(unpacked(tmp_path, lone)) == {"helper/SKILL.md", "helper/references/x.md"}


@pytest.mark.parametrize(
    "entries",
    [
        [Entry(b"skill.yaml")],
        [Entry(b"SKILL.md", b"no front matter")],
        [Entry(b"SKILL.md", MATTER.replace(b"helper", b"../../up"))],
        [Entry(b"SKILL.md", MATTER.replace(b"helper", b"/etc"))],
    ],
)
def test_a_lone_skill_without_a_usable_name_is_refused(
    tmp_path: Path, entries: list[Entry]
) -> None:
    with pytest.raises(BadBundle, match="put it into a folder of its name"):
        unpacked(tmp_path, entries)


def test_an_archive_by_another_tool_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("a")
        archive.writestr("a/skill.yaml", "x", zipfile.ZIP_DEFLATED)
        with archive.open("a/big", "w", force_zip64=True) as file:
            file.write(b"y")
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert tree(tmp_path / "out") == {"a/skill.yaml": b"x", "a/big": b"y"}


# Any archive at all

NAMES = st.one_of(
    st.lists(
        st.sampled_from(["a", "A", "..", ".", "", "skill.yaml", "SKILL.md", "/", "C:", "ü", "\0"]),
        min_size=1,
        max_size=4,
    ).map(lambda parts: "/".join(parts).encode()),
    st.binary(max_size=12),
)
MODES = st.sampled_from([0, stat.S_IFREG | 0o755, stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO])
ENTRIES = st.builds(
    Entry,
    name=NAMES,
    data=st.sampled_from([b"", b"x", b"../../up", MATTER, b"\0" * 9_000, b"PK\x01\x02" * 9]),
    flags=st.sampled_from([0, 0x800, 0x801, 0x8]),
    method=st.sampled_from([0, 8, 8, 8, 14]),
    mode=MODES,
    size=st.none() | st.none() | st.integers(0, 2**32 - 1),
    packed_size=st.none() | st.none() | st.integers(0, 2**32 - 1),
    local_name=st.none() | st.none() | NAMES,
    offset=st.none() | st.none() | st.integers(0, 2**32 - 1),
)


def assert_contained(data: bytes, room: Path) -> None:
    """Unpack in the middle of a room: all of the room must stay as it is but for the target."""
    inner = room / "deep" / "inner"
    inner.mkdir(parents=True)
    (room / "archive.zip").write_bytes(data)
    try:
        unpack(room / "archive.zip", inner / "out", limits=SMALL)
    except BadBundle:
        assert list(inner.iterdir()) == []
    else:
        assert [path.name for path in inner.iterdir()] == ["out"]
        assert not any(path.is_symlink() for path in inner.rglob("*"))
        files = tree(inner / "out")
        assert sum(map(len, files.values())) <= SMALL.unpacked_bytes
        assert len(files) <= SMALL.files
    assert sorted(path.name for path in room.iterdir()) == ["archive.zip", "deep"]
    assert [path.name for path in (room / "deep").iterdir()] == ["inner"]


@given(st.lists(ENTRIES, max_size=5))
@settings(max_examples=150)
def test_no_archive_writes_outside_or_leaves_anything_when_it_fails(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]
) -> None:
    assert_contained(crafted(entries), tmp_path_factory.mktemp("any"))


@given(st.data())
@settings(max_examples=150)
def test_no_damaged_archive_writes_outside_or_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    archive = bytearray(crafted([GOOD, Entry(b"lib/x.txt", b"hello" * 20), Entry(b"b/SKILL.md")]))
    for _ in range(data.draw(st.integers(1, 6))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(archive)))
    damaged = bytes(archive[:cut] if data.draw(st.booleans()) else archive)
    assert_contained(damaged, tmp_path_factory.mktemp("damaged"))
