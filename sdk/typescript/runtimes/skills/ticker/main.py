import time

import puras


def run(ticks, pause):
    for tick in range(ticks):
        puras.log(f"tick {tick} ✓")
        time.sleep(pause)
    return {"ticks": ticks}
