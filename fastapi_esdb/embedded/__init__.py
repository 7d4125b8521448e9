"""An EventStoreDB-compatible server for development and tests.

    async with EmbeddedServer() as server:
        print(server.connection_string)

or `python -m fastapi_esdb.embedded --port 2113 --data events.db` beside an app. It speaks the protocol of KurrentDB
26.1.0, which it announces itself as, and lists the calls that it has. Where it differs from a real server, it means to:

- A request that makes a real server fall over (UNKNOWN, "Exception was thrown by handler.") is INVALID_ARGUMENT with a
  text that says what is wrong: a count of 0, reading a stream forwards from its end, a regex that is none, no name.
- By itself it is one node and its own leader: `requires-leader` changes nothing.
- A BatchAppend call ends when its client has half-closed it and has all the answers, where a real server waits on. A
  batch that was a bad request is answered once, not a second time with a timeout.
- A live subscription reads on in the log, where a real server keeps the last 32 events for it in a queue. So it goes
  back to reading history, and tells anew that it has caught up, only when it is some hundred events behind.
- A stream name that no header can hold is percent-encoded in the trailers of an error.
- Filters take the regular expressions of .NET, but for balancing groups and the option `x`. One that takes more than
  20 ms for a name is refused when that happens, where a real server is blocked. There are no secondary indexes: a
  filter that names one (`$idx-…`) is refused.
- It runs on the event loop of an app, so that names, regular expressions, appends under way and what a projection
  emits have bounds that a real server has not. The documentation of the embedded server lists them.
- A wrong password is refused after the same time whether there is such a user or not.
- It writes no statistics into streams (`$stats-…`), and streams in memory only (`$mem-…`) do not exist. Statistics are
  those of this process, without descriptions: some names of a real server are missing, and `es-records` and
  `es-streams` are its own.
- A scavenge takes one thread, and answers also where everything is kept in memory: a real server stays silent then. It
  leaves the last event of each stream, tombstones and the newest record of all, and takes events from the beginning
  of a stream on, so that one that began before `startFromChunk` is left alone.
- With `secure` it has users, which are events as on a real server: `admin` and `ops` (password `changeit`) at first.
  Without it everybody may do everything, and there is no Users service (UNIMPLEMENTED), where a real one stays silent.
- With TLS it calls itself `localhost` in the gossip, unless its certificate is for the address that it listens on.

`EmbeddedCluster` (`python -m fastapi_esdb.embedded --nodes 3`) runs several of them as one cluster, which elects,
replicates and fails over. There it differs from a real one, beside the above:

- Everything is in memory. A new cluster begins when all its nodes are there, as does one that lost most of them at
  once; a scavenge removes nothing; nodes have no priorities.
- A follower that is asked for a projection names the leader, where a real one does not answer. A write that it can't
  pass on, since the leader has just ended, is "not ready" at once and not a time-out after 4 s.
- A leader that was frozen for long knows that it leads no more before it answers anybody, and follows the new one,
  where a real one answers for half a second more and may end itself.
"""

from fastapi_esdb.embedded.certificate import ServerCertificate
from fastapi_esdb.embedded.cluster import ClusterNode, EmbeddedCluster, NodeFault
from fastapi_esdb.embedded.faults import Fault, FaultKit, Freeze
from fastapi_esdb.embedded.server import EmbeddedServer

__all__ = [
    "ClusterNode",
    "EmbeddedCluster",
    "EmbeddedServer",
    "Fault",
    "FaultKit",
    "Freeze",
    "NodeFault",
    "ServerCertificate",
]
