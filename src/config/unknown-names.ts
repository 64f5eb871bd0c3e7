import { brokerConfigs } from './broker-configs.ts'
import { serverSynonym, topicConfigs } from './topic-configs.ts'

export interface Advice {
  /** It may stay where it is without harm. */
  readonly harmless: boolean
  readonly message: string
}

/** Names that Kafka had before 4.0 and whose files may still carry them; nothing depends on them. */
const retired: ReadonlySet<string> = new Set([
  'auto.include.jmx.reporter',
  'broker.id.generation.enable',
  'control.plane.listener.name',
  'controlled.shutdown.max.retries',
  'controlled.shutdown.retry.backoff.ms',
  'controller.message.queue.size',
  'delegation.token.master.key',
  'eligible.leader.replicas.enable',
  'group.coordinator.new.enable',
  'inter.broker.protocol.version',
  'leader.imbalance.per.broker.percentage',
  'log.message.downconversion.enable',
  'log.message.format.version',
  'log.message.timestamp.difference.max.ms',
  'offsets.commit.required.acks',
  'password.encoder.cipher.algorithm',
  'password.encoder.iterations',
  'password.encoder.key.length',
  'password.encoder.keyfactory.algorithm',
  'password.encoder.old.secret',
  'password.encoder.secret',
  'reserved.broker.max.id',
])

const retiredOfZooKeeper: ReadonlySet<string> = new Set(['zookeeper.max.in.flight.requests', 'zookeeper.sync.time.ms'])

/** What to say about a name that no table has. */
export function adviceFor(name: string): Advice {
  if (name.startsWith('zookeeper.')) {
    if (retiredOfZooKeeper.has(name)) return { harmless: true, message: 'has no effect here; take it out' }
    return { harmless: false, message: 'is not there yet (TLS and SASL to ZooKeeper); take it out' }
  }
  if (retired.has(name)) return { harmless: true, message: 'is gone since Kafka 4.0 and has no effect; take it out' }
  if (topicConfigs.has(name)) {
    const server = serverSynonym(name)
    const instead = server === undefined ? 'set it on topics' : `the default for all topics is ${server}`
    return { harmless: false, message: `is a configuration of topics; ${instead}` }
  }
  const close = closest(name)
  return {
    harmless: false,
    message:
      close === undefined ? 'is not a configuration of Kafka; take it out' : `is not a configuration of Kafka; did you mean ${close}?`,
  }
}

function closest(name: string): string | undefined {
  const farthest = Math.max(2, Math.floor(name.length / 6))
  let best: string | undefined
  let bestDistance = farthest + 1
  for (const known of brokerConfigs.keys()) {
    if (Math.abs(known.length - name.length) >= bestDistance) continue
    const distance = editDistance(name, known)
    if (distance < bestDistance) {
      best = known
      bestDistance = distance
    }
  }
  return best
}

const nameLengthMax = 200

/** Levenshtein's, one row at a time. */
function editDistance(a: string, b: string): number {
  if (a.length > nameLengthMax) return a.length
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
