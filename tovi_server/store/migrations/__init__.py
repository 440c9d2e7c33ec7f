"""How a database gets from each schema to the next. A migration that was released is never changed."""
