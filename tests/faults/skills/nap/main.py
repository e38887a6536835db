import time


def run(n: int, seconds: float) -> dict[str, int]:
    print("asleep", flush=True)
    time.sleep(seconds)
    return {"n": n}
