"""Faults of a cluster under load: what they cost the users of a client. `python -m benchmarks.faults --help`.

Each round starts a cluster of three embedded servers and the clients to be compared, each in a process of its own and
under the same load. Then the leader is killed, frozen or made to resign, or all nodes are restarted one by one, again
and again. At the end the log of the leader is compared with what each client told its user.
"""
