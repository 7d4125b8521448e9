"""Events, and the starts and filters of reads: the same for streams and for persistent subscriptions."""
