"""Tables, connections and the one transaction."""
