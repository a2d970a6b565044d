"""Layers that map tokens (B, N, D) to tokens (B, N, D)."""
