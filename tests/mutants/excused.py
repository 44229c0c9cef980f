"""Mutants that may survive, each with its reason: {file: {the changed line as the mutant has it: why}}."""

EXCUSED: dict[str, dict[str, str]] = {}
