"""Employment: public-welfare posts, workshops, five-small businesses and voluntary placement."""
