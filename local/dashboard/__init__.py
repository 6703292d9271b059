"""Draws the dashboards of the template from a run of the local stack, as the console shows them."""
