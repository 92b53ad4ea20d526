"""The trial: from the mailbox to the outcomes of a stack."""
