"""The `puras` command: everything a person does with skills, from a terminal or a script."""
