"""What runs give: measures, phases, trust, and their summaries over seeds."""
