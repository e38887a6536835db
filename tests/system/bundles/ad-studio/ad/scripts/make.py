import studio_clock
from lib import brand

import puras


def make(product, duration, aspect, captions, accent, logo=None):
    puras.step("script")
    script = puras.subagent.run("script", {"product": product, "guide": brand.guide(__file__)})
    puras.step("voice")
    voice = puras.subagent.run("voice-over", {"text": script["text"]})
    puras.step("shots")
    shots = puras.subagent.run("b-roll", {"text": script["text"], "count": duration // 5})
    return {
        "script": script["text"],
        "voice": voice["audio"],
        "shots": shots["shots"],
        "aspect": aspect,
        "captions": captions,
        "tone": brand.TONE,
        "clock": studio_clock.NAME,
        "accent": accent,
    }
