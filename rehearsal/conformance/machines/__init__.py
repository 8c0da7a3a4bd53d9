"""Interpreters of the Amazon States Language that are not ours, each behind Step Functions' own API."""
