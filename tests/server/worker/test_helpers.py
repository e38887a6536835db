"""What a skill imports from `puras`, spoken over the run's socket with a real worker's end."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from puras.server.refusals import Refused
from puras.server.worker.process.run_folder import SOCKET_NAME, RunFolder, RunFolders
from puras.server.worker.process.skill_socket import SkillSocket

from .support import Bench, RecordingHost


async def test_log_progress_and_step_become_events(bench: Bench) -> None:
    await bench.result("""
        from puras import log, progress, step
        def run():
            log("hello"); log("bad", level="error")
            step("read"); step("write")
            progress(0.5, "half"); progress(1)
    """)
    hidden = {"level": "error", "message": "hidden", "redacted": True}
    assert bench.host.events == [
        ("log", {"level": "info", "message": "hello"}, None),
        ("log", {"level": "error", "message": "bad"}, hidden),
        ("step", {"step": 1, "label": "read"}, None),
        ("step", {"step": 2, "label": "write"}, None),
        ("progress", {"fraction": 0.5, "message": "half"}, None),
        ("progress", {"fraction": 1.0}, None),
    ]


async def test_job_tells_id_attempt_and_inputs(bench: Bench) -> None:
    code = """
        from puras import job
        def run(a): return {"id": job.id, "attempt": job.attempt, "inputs": job.inputs}
    """
    result = await bench.result(code, inputs={"a": [1]}, attempt=3)
    assert result == {"id": "job-1", "attempt": 3, "inputs": {"a": [1]}}


@pytest.mark.parametrize("fraction", ["-0.1", "1.1", "float('nan')"])
async def test_a_fraction_out_of_range_is_a_value_error(bench: Bench, fraction: str) -> None:
    failure = await bench.failure(f"from puras import progress\ndef run(): progress({fraction})")
    assert failure.error.startswith("ValueError: a fraction is a number from 0 to 1")


class Memory:
    """Keeps recorded calls as a job does from attempt to attempt."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, int], Any] = {}

    async def get(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        key = (arguments["verb"], arguments["arguments"], arguments["occurrence"])
        return {"found": key in self.kept, "value": self.kept.get(key)}

    async def put(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        key = (arguments["verb"], arguments["arguments"], arguments["occurrence"])
        self.kept[key] = arguments["value"]
        return {}


async def test_a_step_with_a_function_runs_once_over_all_attempts(bench: Bench) -> None:
    memory = Memory()
    bench.host.verbs |= {"recorded.get": memory.get, "recorded.put": memory.put}
    code = """
        from puras import step
        def double(n):
            print("ran", n)
            return (n, 2 * n)
        def run(): return {"a": step("d", double, 1), "b": step("d", double, 1),
                           "c": step("d", double, 2)}
    """
    first = await bench.result(code)
    assert first == {"a": [1, 2], "b": [1, 2], "c": [2, 4]}
    assert await bench.result(code, attempt=2) == first
    assert bench.host.logged() == ["ran 1", "ran 1", "ran 2"]
    assert sorted(key[2] for key in memory.kept) == [1, 1, 2]


async def test_a_step_s_count_begins_anew_in_a_warm_process(bench: Bench) -> None:
    memory = Memory()
    bench.host.verbs |= {"recorded.get": memory.get, "recorded.put": memory.put}
    code = "from puras import step\ndef run(): return {'n': step('s', len, [1])}"
    for _ in range(2):
        await bench.result(code, process="warm")
    assert len(memory.kept) == 1


async def test_a_step_whose_result_is_no_json_says_so(bench: Bench) -> None:
    memory = Memory()
    bench.host.verbs |= {"recorded.get": memory.get, "recorded.put": memory.put}
    failure = await bench.failure("from puras import step\ndef run(): step('s', object)")
    assert failure.error.startswith("PurasError: the result of step 's' is no JSON")


class Files:
    """A drive that is a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {"in.txt": b"from the drive"}

    async def write(self, arguments: dict[str, Any], folder: Path) -> dict[str, str]:
        self.kept[arguments["path"]] = (folder / arguments["file"]).read_bytes()
        return {"drive_path": arguments["path"]}

    async def read(self, arguments: dict[str, Any], folder: Path) -> dict[str, str]:
        if arguments["path"] not in self.kept:
            raise Refused("file_not_found", f"there is no {arguments['path']}")
        (folder / "answer").write_bytes(self.kept[arguments["path"]])
        return {"file": "answer", "mime": "text/plain"}

    async def fetch(self, arguments: dict[str, Any], folder: Path) -> dict[str, str]:
        (folder / "answer").write_bytes(arguments["url"].encode())
        return {"file": "answer", "mime": "image/png"}

    async def sign(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        url = f"http://files/{arguments['path']}"
        return {"path": arguments["path"], "signed_url": url, "expires_in": arguments["ttl"]}

    async def list(self, arguments: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
        return [
            {"drive_path": path, "size_bytes": len(data)}
            for path, data in self.kept.items()
            if path.startswith(arguments["prefix"])
        ]


@pytest.fixture
def files(bench: Bench) -> Files:
    files = Files()
    bench.host.verbs |= {
        "drive.write": files.write,
        "drive.read": files.read,
        "drive.sign": files.sign,
        "drive.list": files.list,
        "fetch": files.fetch,
    }
    return files


async def test_the_drive_reads_writes_signs_and_lists(bench: Bench, files: Files) -> None:
    code = """
        import os, pathlib
        from puras import drive
        def run():
            pathlib.Path("local").write_text("copied")
            written = [drive.write("b", b"bytes"), drive.write("t", "t\\u00e9xt"),
                       drive.write("f", pathlib.Path("local"))]
            return {"written": written, "read": drive.read("in.txt").decode(),
                    "url": drive.url("b", ttl=60), "sign": drive.sign("b"),
                    "list": [file["drive_path"] for file in drive.list("in")],
                    "left": [n for n in os.listdir("..") if n.startswith("call-")]}
    """
    assert await bench.result(code) == {
        "written": ["b", "t", "f"],
        "read": "from the drive",
        "url": "http://files/b",
        "sign": {"path": "b", "signed_url": "http://files/b", "expires_in": 3600},
        "list": ["in.txt"],
        "left": [],
    }
    assert (files.kept["b"], files.kept["t"].decode(), files.kept["f"]) == (
        b"bytes",
        "t\u00e9xt",
        b"copied",
    )


async def test_a_refusal_has_the_class_the_sdk_gives_its_code(bench: Bench, files: Files) -> None:
    code = """
        from puras import NotFoundError, drive
        def run():
            try:
                drive.read("nowhere")
            except NotFoundError as error:
                return {"code": error.code, "detail": error.detail, "status": error.status}
    """
    assert await bench.result(code) == {
        "code": "file_not_found",
        "detail": "there is no nowhere",
        "status": 404,
    }


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ({"drive_path": "in.txt"}, "from the drive"),
        ("in.txt", "from the drive"),
        ({"url": "https://example.com/a.png"}, "https://example.com/a.png"),
        ("http://example.com/", "http://example.com/"),
        ({"data": "data:text/plain;base64,aGVsbG8="}, "hello"),
        ({"data": "aGVsbG8="}, "hello"),
        ({"base64": "aGVs\nbG8"}, "hello"),
        ("data:text/plain;base64,aGVsbG8=", "hello"),
        ("data:,hello%20you", "hello you"),
        ("aGVsbG8=", "hello"),
        ("aGVsbG8h" * 200, "hello!" * 200),
    ],
)
async def test_every_form_of_a_file_can_be_loaded(
    bench: Bench, files: Files, value: Any, content: str
) -> None:
    code = """
        from puras import load_bytes, load_path
        def run(value):
            return {"bytes": load_bytes(value).decode(), "path": load_path(value).read_text()}
    """
    assert await bench.result(code, inputs={"value": value}) == {"bytes": content, "path": content}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"what": 1}, "ValueError: a file is a string, or an object with one of"),
        ({"url": 1, "base64": "aGVsbG8="}, "ValueError: a file is a string"),
        ({"base64": "!!"}, "ValueError: this is no base64"),
        ("no/such/file.txt", "NotFoundError: 404 file_not_found"),
    ],
)
async def test_what_is_no_file_is_refused(
    bench: Bench, files: Files, value: Any, said: str
) -> None:
    code = "from puras import load_bytes\ndef run(value): load_bytes(value)"
    assert (await bench.failure(code, inputs={"value": value})).error.startswith(said)


async def test_a_loaded_path_has_the_suffix_of_its_type(bench: Bench, files: Files) -> None:
    code = """
        from puras import load_path
        def run(values): return {"s": [load_path(value).suffix for value in values]}
    """
    values = ["in.txt", "https://example.com/x", "data:image/png;base64,aGVsbG8="]
    assert await bench.result(code, inputs={"values": values}) == {"s": [".txt", ".png", ".png"]}


async def test_a_subagent_s_result_comes_back_and_its_failure_is_raised(bench: Bench) -> None:
    asked: list[dict[str, Any]] = []

    async def child(arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        asked.append(arguments)
        if arguments["target"] == "bad":
            return {"id": "c", "status": "failed", "error": "it broke", "result": None}
        return {"id": "c", "status": "succeeded", "result": {"got": arguments["inputs"]}}

    bench.host.verbs["subagent.run"] = child
    code = """
        from puras import JobError, subagent
        def run():
            first = subagent.run("good", {"n": 1}, timeout=9)
            again = subagent.run("good", {"n": 1}, version=2)
            third = subagent.run("good", {"n": 1})
            try:
                subagent.run("bad")
            except JobError as error:
                return {"first": first, "error": str(error)}
    """
    assert await bench.result(code) == {
        "first": {"got": {"n": 1}},
        "error": "job c failed: it broke",
    }
    assert [arguments["occurrence"] for arguments in asked] == [1, 1, 2, 1]
    assert asked[0]["timeout"] == 9


@pytest.mark.parametrize("call", ["subagent.run()", "subagent.run('x', prompt='y')"])
async def test_a_subagent_is_a_target_or_a_prompt(bench: Bench, call: str) -> None:
    failure = await bench.failure(f"from puras import subagent\ndef run(): {call}")
    assert failure.error.startswith("ValueError: pass either")


async def test_threads_and_forks_have_connections_of_their_own(bench: Bench, files: Files) -> None:
    code = """
        import os
        from concurrent.futures import ThreadPoolExecutor
        from puras import drive
        def run():
            drive.read("in.txt")
            with ThreadPoolExecutor(8) as pool:
                texts = set(pool.map(lambda _: drive.read("in.txt"), range(64)))
            child = os.fork()
            if child == 0:
                os._exit(0 if drive.read("in.txt") in texts else 1)
            return {"texts": len(texts), "child": os.waitpid(child, 0)[1]}
    """
    assert await bench.result(code) == {"texts": 1, "child": 0}


async def test_an_exception_of_the_host_is_an_internal_error_and_no_more(bench: Bench) -> None:
    async def fail(arguments: dict[str, Any], folder: Path) -> None:
        raise RuntimeError("the database is on fire")

    bench.host.verbs["drive.read"] = fail
    failure = await bench.failure("from puras import drive\ndef run(): drive.read('x')")
    assert "internal_error" in failure.error
    assert "fire" not in failure.error


class Line:
    """A hand-made client of a run's socket."""

    def __init__(self, socket: SkillSocket, path: Path) -> None:
        self.token = socket.token
        self.path = path

    async def ask(self, **request: Any) -> Any:
        reader, writer = await asyncio.open_unix_connection(self.path)
        writer.write(json.dumps({"id": 7, "token": self.token, **request}).encode() + b"\n")
        line = await reader.readline()
        writer.close()
        return json.loads(line) if line else None


@pytest.fixture
async def served(tmp_path: Path) -> Any:
    folders, host = RunFolders(tmp_path), RecordingHost()
    folder = RunFolder.open(folders.for_run(folders.for_zygote(None), None), None)
    socket = SkillSocket(folder, host=host, inputs={}, new_call_folder=folders.for_call)
    await socket.open()
    yield Line(socket, folder.path / SOCKET_NAME), host, folder
    await socket.close()
    folder.leave()


async def test_a_socket_whose_opening_is_cancelled_is_closed(tmp_path: Path) -> None:
    folders = RunFolders(tmp_path)
    folder = RunFolder.open(folders.for_run(folders.for_zygote(None), None), None)
    socket = SkillSocket(folder, host=RecordingHost(), inputs={}, new_call_folder=folders.for_call)
    opening = asyncio.ensure_future(socket.open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await socket.close()
    folder.leave()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_unix_connection(folder.path / SOCKET_NAME)


async def test_another_run_s_token_gets_no_answer(served: Any) -> None:
    line, _, _ = served
    line.token = "guessed"
    assert await line.ask(verb="job.inputs", args={}) is None


@pytest.mark.parametrize("args", [{"message": 1, "level": "info"}, {"message": "m", "level": "x"}])
async def test_a_bad_log_call_is_refused(served: Any, args: dict[str, Any]) -> None:
    line, host, _ = served
    answer = await line.ask(verb="log", args=args)
    assert (answer["id"], answer["ok"], answer["error"]["code"]) == (7, False, "invalid_request")
    assert host.events == []


@pytest.mark.parametrize("fraction", [2, -1, True, "half", None])
async def test_a_bad_fraction_is_refused_by_the_worker_too(served: Any, fraction: Any) -> None:
    line, host, _ = served
    answer = await line.ask(verb="progress", args={"fraction": fraction})
    assert answer["error"]["code"] == "invalid_request"
    assert host.events == []


@pytest.mark.parametrize("name", ["../../puras.db", "work", "call-0", "/etc/passwd", ""])
async def test_a_file_is_passed_only_by_a_name_of_ours(served: Any, name: str) -> None:
    line, _, _ = served
    answer = await line.ask(verb="drive.write", args={"path": "x", "file": name})
    assert answer["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("kind", ["symbolic link", "hard link", "folder", "pipe", "nothing"])
async def test_a_link_in_a_file_s_place_is_never_followed(
    served: Any, tmp_path: Path, kind: str
) -> None:
    line, host, folder = served
    secret, planted = tmp_path / "puras.db", folder.path / f"call-{'0' * 16}"
    secret.write_text("everything")
    make = {
        "symbolic link": lambda: planted.symlink_to(secret),
        "hard link": lambda: os.link(secret, planted),
        "folder": planted.mkdir,
        "pipe": lambda: os.mkfifo(planted),
        "nothing": lambda: None,
    }
    make[kind]()

    async def write(arguments: dict[str, Any], call_folder: Path) -> str:
        return (call_folder / arguments["file"]).read_text()

    host.verbs["drive.write"] = write
    answer = await line.ask(verb="drive.write", args={"path": "x", "file": planted.name})
    assert answer["error"]["code"] == "invalid_request"
    assert secret.read_text() == "everything"


async def test_a_request_that_is_no_json_ends_the_connection(served: Any) -> None:
    line, _, _ = served
    reader, writer = await asyncio.open_unix_connection(line.path)
    writer.write(b"{not json}\n")
    assert await reader.read() == b""
    writer.close()
