"""From columns to conversations: the flow table, TCP state and reassembly."""
