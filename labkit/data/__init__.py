"""Real pictures that installed packages carry: nothing here asks the network."""
