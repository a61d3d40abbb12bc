"""What the golden captures send and what is expected of it: written from the product's description alone."""
