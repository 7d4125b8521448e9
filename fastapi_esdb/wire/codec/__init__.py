"""From and to messages: the pieces that several services share."""
