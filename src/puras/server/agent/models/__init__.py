"""Who answers a turn: slugs, prices, providers, and the offline draft."""
