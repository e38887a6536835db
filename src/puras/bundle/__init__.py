"""The bundle: a folder of skills, its checks, its archive.

    layout        which folders are skills
    manifest      what a deployment keeps of them: `puras.yaml`, `skill.yaml`, Agent Skills
    validate      every fault of a bundle at once
    schema        the schema dialect: compile, check, fill defaults, find files, shape results
    pack          a folder to an archive
    archive       an archive to a folder, safely

Pure: CLI and server share it. It needs the standard library and PyYAML; where `jsonschema_rs` is
installed (it comes with `puras[server]`), schemas are compiled and examples checked as well.
"""
