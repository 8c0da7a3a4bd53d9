"""The figures of this project: one module a row, or a few rows that belong together."""
