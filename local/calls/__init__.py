"""Whole exchanges over the Python client, for programs that check the answers of a stack."""
