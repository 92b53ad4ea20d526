"""The engines that train, and the data that they share."""
