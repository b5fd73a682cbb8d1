"""How alike texts are: equal after normalisation, or near by MinHash. NumPy only; no text is kept, only digests."""
