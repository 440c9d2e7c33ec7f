"""One job on its screen: its stages as a graph, its tasks as a grid, one task in words. Pure."""
