"""The cases, one module per theme, one function per case."""
