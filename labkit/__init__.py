"""Patch Lab's library: what happens to a vision model when an image is cut into smaller and smaller patches.

The floors, lowest first (a module imports only from its own folder or from floors below):
    0 numbers   ops, stats, config, records      3 cost    cost, machine, device
    1 parts     tokenizers, positions, nn,       4 work    train, optimizer, journal, baselines, figures
                heads, tasks, data, checkpoint   5 faces   lesson, course, __main__
    2 models    models
Letters used everywhere: B images, C channels, H W pixels, p patch size, N tokens, D width, K classes.
"""

__version__ = "0.1.0"
