"""Verbs: submit, schedule, report, accounts; and the processes that carry them out."""
