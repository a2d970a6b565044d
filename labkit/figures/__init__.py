"""Figures as pure functions: numbers in, a plotly figure out. Nothing is shown, stored or remembered."""
