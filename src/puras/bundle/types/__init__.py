"""Types of skills, made from their schemas, in the languages that they are called from.

    schema ──read──▶ tree ──declare──▶ named declarations ──print──▶ TypeScript, Python

The rule all of it keeps: a type lets through every value that its schema does, and may let through
more; only properties that no schema names are refused, since those are mostly slips of the pen.
"""
