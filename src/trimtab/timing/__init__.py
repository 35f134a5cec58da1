"""How long a fault lasts, predicted from the estate alone: pure arithmetic, each term with its source."""
