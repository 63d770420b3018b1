"""The parts of documents: each makes one section of the tree from a Subject."""
