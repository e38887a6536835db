import puras


def run(n: int) -> dict[str, int]:
    first = puras.subagent.run("noop", {"n": n})
    second = puras.subagent.run("talk", {"n": n, "lines": 5})
    assert first == second == {"n": n}
    return {"n": n}
