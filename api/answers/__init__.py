"""Answers: from the fields that are declared of them to JSON, tables, ETags and schemas."""
