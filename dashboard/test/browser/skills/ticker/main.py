import time

import puras


def run(ticks, pause):
    for tick in range(1, ticks + 1):
        puras.log(f"tick {tick}")
        if pause:
            puras.progress(tick / ticks, f"{tick} of {ticks}")
            time.sleep(pause)
    return {"ticks": ticks}
