"""Text encoders: transformers that read. How one is opened, and how texts go through it without waste."""
