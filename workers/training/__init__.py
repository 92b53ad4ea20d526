"""The engines that train."""
