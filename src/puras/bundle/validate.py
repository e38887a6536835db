"""Everything that is wrong with a bundle, at once, before a single line of it has run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from puras.bundle.agent_skill import described, read_agent_skill
from puras.bundle.entrypoints import check_parameters, docstring, find_function
from puras.bundle.evals import read_evals
from puras.bundle.faults import Findings
from puras.bundle.layout import SkillFolder, find_skills, relative
from puras.bundle.manifest import bare_skill, kind_of, read_pack, yaml_skill
from puras.bundle.schema import can_compile, compile_schema, fill_defaults, schema_faults
from puras.bundle.skill_keys import Check, check_fields, check_keys, is_text
from puras.bundle.text_file import read_mapping, read_text
from puras.bundle.tools import check_tools
from puras.wire import Fault, Manifest, ManifestSkill

MAX_SKILLS = 500


def _is_mapping(value: Any) -> str | None:
    return None if isinstance(value, dict) else "write a mapping from names to values"


_EXAMPLE: Mapping[str, Check] = {
    "title": is_text,
    "description": is_text,
    "inputs": _is_mapping,
    "outputs": _is_mapping,
}


def check_folder(bundle: Path) -> tuple[Manifest, list[Fault]]:
    """Read a bundle and return its manifest and every fault; the manifest counts without faults.

    Requirements are read apart: see `puras.bundle.requirements`.
    """
    skills, found = find_skills(bundle)
    _, pack_findings = read_pack(bundle)
    found = [pack_findings, *found]
    if len(skills) > MAX_SKILLS:
        findings = Findings(".")
        findings.add(f"there are more than {MAX_SKILLS} skills: split the bundle")
        skills, found = [], [findings]
    manifest: Manifest = {"skills": []}
    for skill in skills:
        entry, findings = _checked(skill, bundle=bundle, skills=skills)
        found.append(findings)
        if entry is not None:
            manifest["skills"].append(entry)
    return manifest, [fault for findings in found for fault in findings.faults]


def _checked(
    skill: SkillFolder, *, bundle: Path, skills: list[SkillFolder]
) -> tuple[ManifestSkill | None, Findings]:
    if skill.is_bare:
        return _checked_bare(skill, bundle)
    findings = Findings(relative(skill.folder / "skill.yaml", bundle))
    fields = read_mapping(skill.folder / "skill.yaml", findings)
    if findings.faults:
        return None, findings
    description = _check_skill(fields, skill=skill, near=_reach(skill, skills), findings=findings)
    if findings.faults:
        return None, findings
    return yaml_skill(skill, fields, description=description), findings


def _checked_bare(skill: SkillFolder, bundle: Path) -> tuple[ManifestSkill | None, Findings]:
    findings = Findings(relative(skill.folder / "SKILL.md", bundle))
    matter = read_agent_skill(skill.folder / "SKILL.md", findings)
    return (bare_skill(skill, matter) if matter else None), findings


def _reach(skill: SkillFolder, skills: list[SkillFolder]) -> list[str]:
    """The bare names that a skill may call: its subskills, its siblings, not itself."""
    near = [other for other in skills if other.parent in (skill.name, skill.parent)]
    return [other.name.rpartition("/")[2] for other in near if other != skill]


def _check_skill(
    fields: Mapping[str, Any], *, skill: SkillFolder, near: Collection[str], findings: Findings
) -> str:
    """Note all that is wrong, and return the description that the skill's own files give."""
    kind = kind_of(fields)
    check_keys(fields, kind=kind, findings=findings)
    _check_schemas(fields, findings)
    if "evals" in fields:
        schema = fields.get("input_schema", {})
        read_evals(fields["evals"], folder=skill.folder, input_schema=schema, findings=findings)
    entrypoint = fields.get("entrypoint")
    if entrypoint is None:
        findings.add("name where the skill begins: `main.py:run`, or `SKILL.md`", "entrypoint")
        return ""
    if kind == "agentic":
        _check_instructions(skill.folder / "SKILL.md", findings)
        check_tools(fields, folder=skill.folder, skills=near, findings=findings)
        return described(skill.folder / "SKILL.md")
    return _check_function(fields, entrypoint, folder=skill.folder, findings=findings)


def _check_instructions(path: Path, findings: Findings) -> None:
    if not path.is_file():
        findings.add("there is no file `SKILL.md`: write the instructions", "entrypoint")
    elif (text := read_text(path, findings)) is not None and not text.strip():
        findings.add("`SKILL.md` is empty: write the instructions", "entrypoint")


def _check_function(
    fields: Mapping[str, Any], entrypoint: Any, *, folder: Path, findings: Findings
) -> str:
    if not isinstance(entrypoint, str):
        return ""
    function = find_function(entrypoint, "entrypoint", folder=folder, findings=findings)
    if function is None:
        return ""
    schema = fields.get("input_schema", {})
    if isinstance(schema, Mapping):
        check_parameters(function, schema, findings=findings)
    return docstring(function)


def _check_schemas(fields: Mapping[str, Any], findings: Findings) -> None:
    sound = True
    for key in ("input_schema", "output_schema"):
        if key not in fields:
            continue
        faults = schema_faults(fields[key])
        findings.add_all(faults, key)
        named = fields[key].get("type", "object") if isinstance(fields[key], Mapping) else "object"
        if not faults and named != "object":
            findings.add("inputs and results are objects: write `type: object`", key, "type")
        sound = sound and not (faults and key == "input_schema")
    _check_examples(fields, schema_is_sound=sound, findings=findings)


def _check_examples(
    fields: Mapping[str, Any], *, schema_is_sound: bool, findings: Findings
) -> None:
    examples = fields.get("examples", [])
    if not isinstance(examples, list):
        findings.add("write a list of examples", "examples")
        return
    schema = fields.get("input_schema", {})
    for index, example in enumerate(examples):
        steps = ("examples", index)
        if not check_fields(example, *steps, known=_EXAMPLE, findings=findings):
            continue
        inputs = example.get("inputs")
        if inputs is None:
            findings.add("the example needs `inputs`", *steps)
        elif schema_is_sound and isinstance(inputs, dict) and can_compile():
            violations = compile_schema(schema).violations(fill_defaults(schema, inputs))
            findings.add_all(violations, *steps, "inputs")
