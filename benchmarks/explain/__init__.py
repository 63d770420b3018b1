"""Explanations beside LightGBM's own and shap's: the same model, customers and background."""
