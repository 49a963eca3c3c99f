"""One room for each protocol; a room holds all there is to know of it."""
