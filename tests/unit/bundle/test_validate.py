from __future__ import annotations

from pathlib import Path

import pytest

from puras.bundle.validate import check_folder
from puras.wire import Fault

from .conftest import Write

MAIN = "def run(name, *, tone='warm'):\n    return {}\n"
PROPERTIES = "input_schema: {properties: {name: {type: string}}}\n"
SKILL = f"entrypoint: main.py:run\n{PROPERTIES}"
AGENT = "entrypoint: SKILL.md\n"


def faults(bundle: Path) -> list[Fault]:
    return check_folder(bundle)[1]


def test_a_sound_function_skill_becomes_an_entry_of_the_manifest(write: Write) -> None:
    bundle = write(
        {
            "puras.yaml": "slug: cards\ntitle: Cards\npublic: true\n",
            "greet/skill.yaml": f"""
title: Greet
description: Greets.
{SKILL}
output_schema: {{properties: {{message: {{type: text}}}}}}
examples: [{{title: One, inputs: {{name: Ada}}, outputs: {{message: Hi}}}}]
timeout_seconds: 60
concurrency: 2
process: warm
env: [TOKEN]
secrets: [API_KEY, TOKEN]
model: anthropic/claude
image_model: family/variant
marketing: {{on: yes, ratio: 9:16}}
""",
            "greet/main.py": MAIN,
            "lib/shared.py": "",
        }
    )
    manifest, found = check_folder(bundle)
    assert found == []
    assert manifest == {
        "skills": [
            {
                "name": "greet",
                "type": "function",
                "title": "Greet",
                "description": "Greets.",
                "entrypoint": "main.py:run",
                "input_schema": {"properties": {"name": {"type": "string"}}},
                "output_schema": {"properties": {"message": {"type": "text"}}},
                "examples": [
                    {"title": "One", "inputs": {"name": "Ada"}, "outputs": {"message": "Hi"}}
                ],
                "timeout_seconds": 60,
                "concurrency": 2,
                "process": "warm",
                "needs": ["TOKEN", "API_KEY"],
                "parent": None,
                "extra": {
                    "text_model": "anthropic/claude",
                    "image_model": "family/variant",
                    "marketing": {"on": "yes", "ratio": "9:16"},
                },
            }
        ]
    }


def test_a_skill_says_as_little_as_it_likes(write: Write) -> None:
    main = 'async def run():\n    """Ping\n    it.\n\n    More."""\n'
    manifest, found = check_folder(
        write({"ping/skill.yaml": "entrypoint: a/main.py:run", "ping/a/main.py": main})
    )
    assert found == []
    (skill,) = manifest["skills"]
    assert skill["description"] == "Ping it."
    assert skill["input_schema"] == {"type": "object", "properties": {}}
    assert skill["output_schema"] is None
    assert skill["process"] == "fresh"


def test_an_agentic_skill_with_all_its_keys_is_sound(write: Write) -> None:
    bundle = write(
        {
            "write/skill.yaml": """
entrypoint: SKILL.md
text_model: openrouter/meta-llama/llama-3.1:free
input_schema: {properties: {topic: {type: text}}}
bash_secrets: [TOKEN]
disable_bash: false
tools:
  - name: count
    description: Counts.
    entrypoint: tools/count.py:count
    input_schema: {properties: {photo: {type: image}}}
    output_schema: {type: object}
    confirm: true
  - {name: helper, skill: inner}
  - {name: other, skill: greet, description: Greets., confirm: false}
  - {name: far, skill: workspace/pack/skill}
allowed_tools: [bash, count, set_output]
tool_limits: {bash: 20, helper: 1}
routing: {escalate_to: family/larger, on: [schema_fail], after: 2}
cache_ttl: 1h
evals: [{inputs: {topic: x}, graders: [{kind: schema}]}]
guardrails: whatever
""",
            "write/SKILL.md": "---\nname: write\ndescription: Writes.\n---\nWrite about the topic.",
            "write/tools/count.py": "def count(photo): ...\n",
            "write/subskills/inner/skill.yaml": SKILL,
            "write/subskills/inner/main.py": MAIN,
            "greet/skill.yaml": SKILL,
            "greet/main.py": MAIN,
        }
    )
    manifest, found = check_folder(bundle)
    assert found == []
    names = [(skill["name"], skill["parent"], skill["type"]) for skill in manifest["skills"]]
    assert names == [
        ("greet", None, "function"),
        ("write", None, "agentic"),
        ("write/inner", "write", "function"),
    ]
    agent = manifest["skills"][1]
    assert agent["description"] == "Writes."
    assert agent["extra"]["guardrails"] == "whatever"
    assert agent["extra"]["routing"]["after"] == 2


KEY_FAULTS = [
    ("titel: x", "$.titel", "there is no key `titel`; did you mean `title`?"),
    ("zzz: x", "$.zzz", "there is no key `zzz`: remove it"),
    ("title: 3", "$.title", "write a text"),
    ("description: [a]", "$.description", "write a text"),
    ("text_model: claude", "$.text_model", "write a model as `family/variant`"),
    ("audio_model: 3", "$.audio_model", "write a model as `family/variant`"),
    ("model: a/b\ntext_model: a/b", "$.model", "another word for `text_model`"),
    ("concurrency: 0", "$.concurrency", "a whole number from 1 to 10,000"),
    ("concurrency: 10001", "$.concurrency", "a whole number from 1 to 10,000"),
    ("concurrency: yes", "$.concurrency", "a whole number from 1 to 10,000"),
    ("timeout_seconds: 0", "$.timeout_seconds", "a number of seconds above 0"),
    ("timeout_seconds: true", "$.timeout_seconds", "a number of seconds above 0"),
    ("timeout_seconds: 1m", "$.timeout_seconds", "a number of seconds above 0"),
    ("process: warmm", "$.process", "write one of `fresh`, `warm`; did you mean `warm`?"),
    ("env: TOKEN", "$.env", "write a list of names"),
    ("secrets: [token]", "$.secrets", "`token` can't be a secret's name"),
    ("secrets: [PURAS_KEY]", "$.secrets", "`PURAS_KEY` can't be set as a secret"),
    ("env: [PATH]", "$.env", "`PATH` can't be set as a secret"),
    ("disable_bash: true", "$.disable_bash", "is for agentic skills alone"),
    ("evals: {cases: 3}", "$.evals.cases", "write a list of cases"),
    ("examples: {a: 1}", "$.examples", "write a list of examples"),
    ("examples: [1]", "$.examples[0]", "write a mapping with `title`"),
    ("examples: [{}]", "$.examples[0]", "the example needs `inputs`"),
    ("examples: [{inputs: []}]", "$.examples[0].inputs", "write a mapping from names"),
    ("examples: [{inputs: {}, outputs: 3}]", "$.examples[0].outputs", "write a mapping"),
    ("examples: [{inputs: {}, input: 3}]", "$.examples[0].input", "did you mean `inputs`?"),
    ("examples: [{inputs: {name: 3}}]", "$.examples[0].inputs.name", "must be a string, not a num"),
    ("output_schema: {type: objekt}", "$.output_schema.type", "did you mean `object`?"),
    ("output_schema: {type: array}", "$.output_schema.type", "write `type: object`"),
    ("output_schema: 3", "$.output_schema", "a schema is a mapping"),
    ("title: *x", "line 3", "anchors and aliases are not allowed"),
    ("entrypoint: a.py:b", "line 3", "`entrypoint` is written twice"),
]


@pytest.mark.parametrize(("line", "path", "words"), KEY_FAULTS)
def test_a_fault_of_skill_yaml_names_file_path_and_remedy(
    write: Write, line: str, path: str, words: str
) -> None:
    (fault,) = faults(write({"greet/skill.yaml": SKILL + line, "greet/main.py": MAIN}))
    assert (fault["file"], fault["path"]) == ("greet/skill.yaml", path)
    assert words in fault["message"]


ENTRYPOINT_FAULTS = [
    ("main.py:run2", "`main.py` has no function `run2`; did you mean `run`?"),
    ("main.py:zzz", "has no function `zzz`: define it at the top level"),
    ("main.py:inner", "has no function `inner`"),
    ("main.py:CONSTANT", "has no function `CONSTANT`"),
    ("mian.py:run", "there is no file `mian.py`; did you mean `main.py`?"),
    ("no/where.py:run", "there is no file `no/where.py`: write it"),
    ("main.py", "write `<file>.py:<function>`"),
    ("main:run", "write `<file>.py:<function>`"),
    ("main.py:3x", "write `<file>.py:<function>`"),
    ("'tools\\main.py:run'", "write `<file>.py:<function>`"),
    ("../lib/main.py:run", "`../lib/main.py` leads out of the skill's folder"),
    ("/etc/main.py:run", "`/etc/main.py` leads out of the skill's folder"),
    ("./main.py:run", "write the file as `main.py`"),
    ("broken.py:run", "`broken.py` is no Python: line 2"),
    ("nul.py:run", "Python"),
    ("skill.md", "write `<file>.py:<function>`"),
    ("3", "write a text"),
]


@pytest.mark.parametrize(("entrypoint", "words"), ENTRYPOINT_FAULTS)
def test_an_entrypoint_that_leads_to_no_function_is_a_fault(
    write: Write, entrypoint: str, words: str
) -> None:
    main = "CONSTANT = 3\ndef run(name):\n    def inner(): ...\n"
    bundle = write(
        {
            "lib/main.py": MAIN,
            "greet/skill.yaml": f"entrypoint: {entrypoint}\n{PROPERTIES}",
            "greet/main.py": main,
            "greet/broken.py": "x = 1\ndef run(:\n",
            "greet/nul.py": "def run(name): ...\0",
        }
    )
    (fault,) = faults(bundle)
    assert (fault["file"], fault["path"]) == ("greet/skill.yaml", "$.entrypoint")
    assert words in fault["message"]


def test_a_skill_without_entrypoint_is_a_fault(write: Write) -> None:
    (fault,) = faults(write({"greet/skill.yaml": "title: x"}))
    assert "name where the skill begins" in fault["message"]


def test_an_entrypoint_behind_a_link_out_of_the_folder_is_a_fault(write: Write) -> None:
    bundle = write({"greet/skill.yaml": SKILL, "lib/main.py": MAIN})
    (bundle / "greet/main.py").symlink_to(bundle / "lib/main.py")
    (fault,) = faults(bundle)
    assert "leads out of the skill's folder" in fault["message"]


@pytest.mark.parametrize(
    "main",
    [
        "try:\n    import x\nexcept ImportError:\n    def run(name): ...\n",
        "import sys\nif sys.platform == 'x':\n    pass\nelse:\n    async def run(name): ...\n",
        "def run(**inputs): ...\n",
        "def run(*args, name=None, **rest): ...\n",
        "def decorate(f): return lambda **inputs: {}\n@decorate\ndef run(): ...\n",
        "# -*- coding: latin-1 -*-\ndef run(name): ...\n",
    ],
)
def test_a_function_may_be_written_in_many_ways(write: Write, main: str) -> None:
    assert faults(write({"greet/skill.yaml": SKILL, "greet/main.py": main})) == []


@pytest.mark.parametrize(
    ("main", "path", "words"),
    [
        ("def run(nam): ...", "$.input_schema.properties.name", "did you mean `nam`?"),
        ("def run(): ...", "$.input_schema.properties.name", "add it, or `**inputs`"),
        ("def run(name, count): ...", "$.entrypoint", "`run` needs `count`: declare it"),
        ("def run(name, *, count): ...", "$.entrypoint", "`run` needs `count`: declare it"),
        ("def run(x, /, name): ...", "$.entrypoint", "`x` of `run` is positional-only"),
    ],
)
def test_a_function_that_can_not_take_its_inputs_is_a_fault(
    write: Write, main: str, path: str, words: str
) -> None:
    found = faults(write({"greet/skill.yaml": SKILL, "greet/main.py": main}))
    assert any(fault["path"] == path and words in fault["message"] for fault in found), found


def test_parameters_of_an_open_or_composed_schema_are_not_asked_for(write: Write) -> None:
    schema = "input_schema: {allOf: [{properties: {a: {}}}]}"
    bundle = write(
        {
            "greet/skill.yaml": f"entrypoint: main.py:run\n{schema}",
            "greet/main.py": "def run(a): ...",
        }
    )
    assert faults(bundle) == []


TOOL = "{name: count, description: x, entrypoint: 'tools.py:count'"
TOOL_FAULTS = [
    ("tools: 3", "$.tools", "write a list of tools"),
    ("tools: [3]", "$.tools[0]", "write a mapping with `name`"),
    ("tools: [{name: a}]", "$.tools[0]", "the tool needs `description`"),
    ("tools: [{skill: greet}]", "$.tools[0]", "the tool needs `name`"),
    (f"tools: [{TOOL}, confirm: 3}}]", "$.tools[0].confirm", "write `true` or `false`"),
    (f"tools: [{TOOL}, descripton: x}}]", "$.tools[0].descripton", "did you mean `description`?"),
    (
        f"tools: [{TOOL}, input_schema: {{type: x}}}}]",
        "$.tools[0].input_schema.type",
        "no type `x`",
    ),
    (f"tools: [{TOOL}, output_schema: 3}}]", "$.tools[0].output_schema", "a schema is a mapping"),
    (f"tools: [{TOOL}}}, {TOOL}}}]", "$.tools[1].name", "there are two tools `count`"),
    ("tools: [{name: bash, skill: greet}]", "$.tools[0].name", "`bash` is a built-in tool"),
    ("tools: [{name: set_output, skill: greet}]", "$.tools[0].name", "is a built-in tool"),
    ("tools: [{name: a b, skill: greet}]", "$.tools[0].name", "1 to 64 letters"),
    ("tools: [{name: a, skill: gret}]", "$.tools[0].skill", "did you mean `greet`?"),
    ("tools: [{name: a, skill: write}]", "$.tools[0].skill", "there is no skill `write`"),
    ("tools: [{name: a, skill: a/b/c/d}]", "$.tools[0].skill", "is no skill path"),
    (
        "tools: [{name: a, description: x, entrypoint: 'tools.py:coun'}]",
        "$.tools[0].entrypoint",
        "did you mean `count`?",
    ),
    (
        "tools: [{name: a, description: x, entrypoint: '../greet/main.py:run'}]",
        "$.tools[0].entrypoint",
        "leads out of the skill's folder",
    ),
    ("allowed_tools: bash", "$.allowed_tools", "write a list of names"),
    ("allowed_tools: [bahs]", "$.allowed_tools[0]", "no tool `bahs`; did you mean `bash`?"),
    ("tool_limits: [bash]", "$.tool_limits", "write a mapping from tools to counts"),
    ("tool_limits: {bash: 0}", "$.tool_limits.bash", "a whole number above 0"),
    ("tool_limits: {zzz: 1}", "$.tool_limits.zzz", "name a built-in tool or one of `tools`"),
    ("routing: 3", "$.routing", "write a mapping with `escalate_to`"),
    ("routing: {after: 1}", "$.routing", "the routing needs `escalate_to`"),
    ("routing: {escalate_to: x}", "$.routing.escalate_to", "write a model"),
    ("routing: {escalate_to: a/b, after: 0}", "$.routing.after", "a whole number above 0"),
    ("routing: {escalate_to: a/b, on: [x]}", "$.routing.on[0]", "is `schema_fail`"),
    ("routing: {escalate_to: a/b, when: 3}", "$.routing.when", "there is no key `when`"),
    ("cache_ttl: 2h", "$.cache_ttl", "write one of `5m`, `1h`"),
    ("disable_bash: 'no'", "$.disable_bash", "write `true` or `false`"),
    ("bash_secrets: [token]", "$.bash_secrets", "can't be a secret's name"),
    ("process: warm", "$.process", "is for function skills alone"),
]


@pytest.mark.parametrize(("line", "path", "words"), TOOL_FAULTS)
def test_a_fault_of_an_agentic_skill_names_path_and_remedy(
    write: Write, line: str, path: str, words: str
) -> None:
    bundle = write(
        {
            "write/skill.yaml": AGENT + line,
            "write/SKILL.md": "Write.",
            "write/tools.py": "def count(): ...",
            "greet/skill.yaml": SKILL,
            "greet/main.py": MAIN,
        }
    )
    found = faults(bundle)
    assert [fault["file"] for fault in found] == ["write/skill.yaml"] * len(found)
    assert any(fault["path"] == path and words in fault["message"] for fault in found), found


@pytest.mark.parametrize(
    ("files", "words"), [({}, "there is no file `SKILL.md`"), ({"a/SKILL.md": " \n"}, "is empty")]
)
def test_an_agentic_skill_needs_its_instructions(
    write: Write, files: dict[str, str], words: str
) -> None:
    (fault,) = faults(write({"a/skill.yaml": AGENT, **files}))
    assert words in fault["message"]


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("slug: Big", "$.slug", "a slug has 1 to 64 of a-z"),
        ("skillpack_id: 3", "$.skillpack_id", "write the skillpack's id"),
        ("public: maybe", "$.public", "write `true` or `false`"),
        ("titel: x", "$.titel", "did you mean `title`?"),
        ("[a]", "$", "the file is a mapping"),
        ("a: [", "line 1", "expected"),
    ],
)
def test_faults_of_puras_yaml_are_told(write: Write, text: str, path: str, words: str) -> None:
    (fault,) = faults(write({"puras.yaml": text, "a/skill.yaml": SKILL, "a/main.py": MAIN}))
    assert (fault["file"], fault["path"]) == ("puras.yaml", path)
    assert words in fault["message"]


def test_all_faults_of_all_files_are_told_at_once(write: Write) -> None:
    bundle = write(
        {
            "puras.yaml": "public: maybe",
            "a/skill.yaml": "entrypoint: x.py:y\ntitle: 3\ninput_schema: {type: nope}",
            "b/skill.yaml": "a: [",
            "c/SKILL.md": "no front matter",
        }
    )
    assert [(fault["file"], fault["path"]) for fault in faults(bundle)] == [
        ("puras.yaml", "$.public"),
        ("a/skill.yaml", "$.title"),
        ("a/skill.yaml", "$.input_schema.type"),
        ("a/skill.yaml", "$.entrypoint"),
        ("b/skill.yaml", "line 1"),
        ("c/SKILL.md", "$"),
    ]


def test_a_file_that_is_not_utf_8_is_a_fault(write: Write) -> None:
    bundle = write({"a/skill.yaml": ""})
    (bundle / "a/skill.yaml").write_bytes(b"title: \xff")
    (fault,) = faults(bundle)
    assert fault["message"] == "the file is not UTF-8: save it as UTF-8"


def test_a_file_of_megabytes_is_not_read(write: Write) -> None:
    (fault,) = faults(write({"a/skill.yaml": "#" * (2 * 1024**2 + 1)}))
    assert "over 2 MiB" in fault["message"]


def test_a_bundle_of_thousands_of_skills_is_refused_unread(write: Write) -> None:
    bundle = write({f"s{number}/skill.yaml": "a: [" for number in range(501)})
    (fault,) = faults(bundle)
    assert "more than 500 skills" in fault["message"]


def test_nothing_of_a_bundle_is_imported_to_check_it(write: Write, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    main = f"open({str(witness)!r}, 'w')\n{MAIN}"
    assert faults(write({"greet/skill.yaml": SKILL, "greet/main.py": main})) == []
    assert not witness.exists()
