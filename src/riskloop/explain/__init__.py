"""Why a bundle decides as it does about a customer, and what would have to be otherwise."""
