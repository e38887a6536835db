import time

import puras


def run():
    puras.log("began")
    time.sleep(3600)
    return {}
