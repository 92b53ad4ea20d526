"""Verbs: submit, schedule, answer, accounts; and the processes that carry them out."""
