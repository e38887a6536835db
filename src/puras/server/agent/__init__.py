"""The agent runtime: a `SKILL.md` and a model, turn by turn, until the output is there."""
