"""Read a table as it is: every cell of a text file stays text, so that nothing is guessed before the contract."""

from riskloop.data.source.files import Layout, layout
from riskloop.data.source.parquet import read_rows
from riskloop.data.source.reading import available_memory, read, read_in_parts
from riskloop.data.source.written import Source, locate

__all__ = ["Layout", "Source", "available_memory", "layout", "locate", "read", "read_in_parts", "read_rows"]
