"""Shapley values of a forest against a background of customers, exact and from tables.

The value of a coalition of players (source columns) is the forest's mean margin over the background when the members
hold the customer's values and the others a background customer's (interventional Shapley values: Lundberg et al.,
2020). A leaf gives its value where every player on its path satisfies it, from one side or the other. So what a leaf
adds to each player depends only on which of its players the customer satisfies, and what a few neighbouring leaves add
together on the few classes of bins that their paths tell apart. For every such group of leaves a table holds the
shares for every combination of classes, summed over the background: a customer costs one look-up per group. Leaves
whose tables would be too large are reached by walking down the trees with each customer of the background.
"""

from riskloop.scorer.forest.attribution.attribution import ForestAttribution

__all__ = ["ForestAttribution"]
