"""Answers in their forms: JSON, tables."""
