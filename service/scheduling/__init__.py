"""The scheduler: leadership, fairness, dispatch, Tune."""
