"""The service beside others that serve the same model: requests a second, and how long one takes."""
