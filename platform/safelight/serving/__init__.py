"""Engines that make images and the gateway that sends requests to them."""
