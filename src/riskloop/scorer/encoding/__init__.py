"""The Encoding: from decoded columns to the model's matrix, the same arithmetic in training and in service."""

from riskloop.scorer.encoding.block import Block
from riskloop.scorer.encoding.encoding import Encoding, sources

__all__ = ["Block", "Encoding", "sources"]
