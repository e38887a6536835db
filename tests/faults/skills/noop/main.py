def run(n: int) -> dict[str, int]:
    return {"n": n}
