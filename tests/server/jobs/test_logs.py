"""What a skill may say: cut lines, a bounded log, and progress that is thinned out."""

from __future__ import annotations

import pytest

from puras.wire import MAX_LOG_EVENTS, MAX_LOG_LINE_BYTES

from .bench import Bench, Skill


async def said(bench: Bench, code: str, *, type: str = "log") -> list[dict[str, object]]:
    """Run a function's body; return the payloads of its events of a type."""
    body = "\n".join(f"    {line}" for line in code.splitlines())
    await bench.deploy(Skill("say", f"import os, sys, time, puras\ndef run():\n{body}\n"))
    job = await bench.run("say")
    assert job["status"] == "succeeded", job["error"]
    events = await bench.events(job["id"])
    everything = events + await bench.events(job["id"], after=10_000)
    ids = [event["id"] for event in everything]
    assert ids == list(range(1, len(ids) + 1))
    return [event["payload"] for event in everything if event["type"] == type]


@pytest.mark.parametrize(
    "code",
    ["for n in range(10_500): print(n)", "for n in range(10_500): puras.log(n)"],
)
async def test_ten_thousand_lines_are_kept_and_then_one_that_says_the_rest_is_dropped(
    bench: Bench, code: str
) -> None:
    logs = await said(bench, code)
    assert len(logs) == MAX_LOG_EVENTS + 1
    assert [log["message"] for log in logs[:-1]] == [str(n) for n in range(MAX_LOG_EVENTS)]
    assert (logs[-1]["level"], "dropped" in str(logs[-1]["message"])) == ("warning", True)


@pytest.mark.parametrize(
    "code", ["print('é' * 100_000)", "puras.log('é' * 100_000)", "os.write(1, b'\\xff' * 100_000)"]
)
async def test_a_line_over_eight_kibibytes_is_cut_and_says_so(bench: Bench, code: str) -> None:
    (log,) = await said(bench, code)
    message = str(log["message"])
    assert message.endswith("… [line cut at 8 KiB]")
    assert message.count("cut") == 1
    assert MAX_LOG_LINE_BYTES - 10 < len(message.encode()) < MAX_LOG_LINE_BYTES + 50


async def test_output_that_is_no_text_becomes_lines_all_the_same(bench: Bench) -> None:
    logs = await said(bench, "os.write(1, b'a\\x00b\\xff\\r\\n\\n')\nos.write(2, b'last')")
    assert {"level": "info", "message": "a\x00b\ufffd"} in logs
    assert {"level": "error", "message": "last"} in logs


async def test_a_run_that_closes_its_output_ends_well(bench: Bench) -> None:
    assert await said(bench, "print('one')\nsys.stdout.close()\nos.close(1)\nos.close(2)") == [
        {"level": "info", "message": "one"}
    ]


async def test_a_flood_of_progress_is_thinned_out_and_its_last_word_is_kept(bench: Bench) -> None:
    code = "for n in range(20_001): puras.progress(n / 20_000, f'round {n}')"
    progress = await said(bench, code, type="progress")
    assert progress[0] == {"fraction": 0.0, "message": "round 0"}
    assert progress[-1] == {"fraction": 1.0, "message": "round 20000"}
    assert len(progress) < 2_000
    fractions = [float(str(each["fraction"])) for each in progress]
    assert fractions == sorted(fractions)


@pytest.mark.slow
async def test_a_hundred_thousand_words_of_progress_cost_neither_log_nor_memory(
    bench: Bench,
) -> None:
    code = "for n in range(100_001): puras.progress(n / 100_000)"
    progress = await said(bench, code, type="progress")
    assert progress[-1] == {"fraction": 1.0}
    assert len(progress) < 1_000


async def test_slow_progress_is_told_in_full_and_in_its_place(bench: Bench) -> None:
    await bench.deploy(
        Skill(
            "say",
            "import puras\ndef run():\n    puras.progress(0.1)\n    puras.progress(0.2)\n"
            "    print('between', flush=True)\n    puras.log('said')\n    puras.progress(0.9)\n",
        )
    )
    job = await bench.run("say")
    told = [
        event["payload"].get("fraction", event["payload"].get("message"))
        for event in await bench.events(job["id"])
        if event["type"] != "status"
    ]
    assert [each for each in told if each != "between"] == [0.1, 0.2, "said", 0.9]


async def test_steps_have_an_allowance_too(bench: Bench) -> None:
    code = "for n in range(10_100): puras.step('again')"
    await bench.deploy(Skill("say", f"import puras\ndef run():\n    {code}\n"))
    job = await bench.run("say")
    events = await bench.events(job["id"]) + await bench.events(job["id"], after=10_000)
    steps = [event["payload"]["step"] for event in events if event["type"] == "step"]
    assert steps == list(range(1, 10_001))
    assert job["steps"] == 10_000
    (notice,) = [event["payload"] for event in events if event["type"] == "log"]
    assert "further steps are dropped" in notice["message"]


async def test_a_run_s_end_does_not_wait_for_another_run_that_never_stops_talking(
    bench: Bench,
) -> None:
    chatter = "import puras\ndef run():\n    while True:\n        puras.log('on and on')\n"
    await bench.deploy(Skill("chatter", chatter), Skill("quick", "def run():\n    return {}\n"))
    talking = await bench.begin("chatter")
    await bench.until_logged(talking, "on and on")
    assert (await bench.run("quick"))["status"] == "succeeded"
    assert (await bench.get(talking))["status"] == "running"
