import time

import puras


def run(n: int, lines: int) -> dict[str, int]:
    for line in range(lines):
        print(n, "says", line, flush=True)
        if line % 10 == 0:
            puras.progress(line / lines)
            time.sleep(0.02)
    return {"n": n}
