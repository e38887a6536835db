"""What all skills of the studio share."""

from pathlib import Path

TONE = "warm"


def guide(skill_file: str) -> str:
    """Return the brand guide of the skill that a file belongs to."""
    folder = Path(skill_file).parents[1]
    return (folder / "references" / "brand.md").read_text("utf-8")
