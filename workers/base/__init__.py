"""What every computation needs: random streams, progress, checkpoints, stops, memory."""
