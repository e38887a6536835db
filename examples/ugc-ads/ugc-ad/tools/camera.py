"""Films the ad. What has to be right in each of them, its length and format, is decided here."""

from typing import Any

import puras

ASPECT = "9:16"


def shoot(action: str, still: Any) -> dict[str, Any]:
    seconds = puras.job.inputs.get("duration")
    if seconds is None:  # the storyboard has this tool too, but its run is none of an ad
        raise puras.UserError("Only the ad itself is filmed: give back the directions.")
    puras.log(f"filming {seconds} seconds")
    made = puras.media.generate_video(
        action, images=[still], duration=seconds, aspect_ratio=ASPECT, sound=True
    )
    return {
        "drive_path": made["drive_path"],
        "seconds": made["meta"].get("duration_seconds", seconds),
        "adapted": made["meta"].get("adapted", {}),
    }
