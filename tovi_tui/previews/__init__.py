"""The first bytes of a file as lines to look at. Pure, bounded, and safe against whatever is in them."""
