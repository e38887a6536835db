"""Python's own start-up imports this in a process under libfaketime 0.9.10, whose clock_nanosleep
refuses to wait on the clock that it leaves alone: `time.sleep` has to wait some other way."""

import select
import time


def sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = sleep
