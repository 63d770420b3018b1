"""Documents about a version: facts gathered once, one tree of sections, three ways to write it down."""
