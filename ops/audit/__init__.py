"""Judges the templates and the files of the project; see docs/security.md#audit."""
