import { anyList, atLeast, int, intMax, list, long, oneOf, required, string } from '../config-key.ts'
import type { ConfigKey } from '../config-key.ts'

/** Listeners, connections and requests. */
export const networkRows: readonly ConfigKey[] = [
  list('advertised.listeners', null, 'high', {
    valid: anyList({ empty: false }),
    does: 'The addresses that clients and other brokers are told; those of `listeners` when it is not given.',
  }),
  long('connections.max.idle.ms', 600000, 'medium', { does: 'A connection without a request for this long is closed.' }),
  list('controller.listener.names', required, 'high', {
    valid: anyList({ empty: false }),
    does: 'The listeners that belong to the controller.',
  }),
  int('controller.socket.timeout.ms', 30000, 'medium'),
  list('early.start.listeners', null, 'high', { valid: anyList({ empty: true }) }),
  string('inter.broker.listener.name', null, 'medium', { does: 'The listener that brokers use among themselves.' }),
  string('listener.security.protocol.map', 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT', 'low', {
    mode: 'per-broker',
    does: 'The protocol that each listener speaks, as `NAME:PROTOCOL`, separated by commas. PLAINTEXT is there today.',
  }),
  list('listeners', 'PLAINTEXT://:9092', 'high', {
    valid: anyList({ empty: false }),
    mode: 'per-broker',
    does: 'The addresses this node binds, as `NAME://host:port`, separated by commas.',
  }),
  int('max.connection.creation.rate', intMax, 'medium', { mode: 'cluster-wide', valid: atLeast(0) }),
  int('max.connections', intMax, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'Connections that one listener keeps open; more are closed at once.',
    ours: 10000,
    because: 'Every limit is finite: connections that nobody closes must not use up the file descriptors of the node.',
  }),
  int('max.connections.per.ip', intMax, 'medium', {
    mode: 'cluster-wide',
    valid: atLeast(0),
    does: 'Connections that are kept open from one address.',
  }),
  string('max.connections.per.ip.overrides', '', 'medium', {
    mode: 'cluster-wide',
    does: 'Other bounds for some addresses, as `address:count`, separated by commas.',
  }),
  int('num.io.threads', 8, 'high', { mode: 'cluster-wide', valid: atLeast(1) }),
  int('num.network.threads', 3, 'high', { mode: 'cluster-wide', valid: atLeast(1) }),
  long('queued.max.request.bytes', -1, 'medium', {
    does: 'Bytes of requests that may be in memory before connections are read no further.',
    ours: 268435456,
    because: 'Every limit is finite: requests must not use up the memory of the node.',
  }),
  int('queued.max.requests', 500, 'high', {
    valid: atLeast(1),
    does: 'Requests that may be in work before connections are read no further.',
  }),
  int('request.timeout.ms', 30000, 'high', { does: 'How long this node waits for the answer of another node.' }),
  string('security.inter.broker.protocol', 'PLAINTEXT', 'medium', {
    valid: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
    does: 'The protocol whose listener brokers use among themselves, when `inter.broker.listener.name` is not given.',
  }),
  long('socket.connection.setup.timeout.max.ms', 30000, 'medium'),
  long('socket.connection.setup.timeout.ms', 10000, 'medium', {
    does: 'A connection to another node that is not made within this time has failed.',
  }),
  int('socket.listen.backlog.size', 50, 'medium', {
    valid: atLeast(1),
    does: 'Connections that the operating system keeps waiting for this node to take them.',
  }),
  int('socket.receive.buffer.bytes', 102400, 'high'),
  int('socket.request.max.bytes', 104857600, 'high', {
    valid: atLeast(1),
    does: 'A request that says it is longer closes its connection.',
  }),
  int('socket.send.buffer.bytes', 102400, 'high'),
]
