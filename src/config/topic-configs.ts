import { assert } from '../base/assert.ts'
import { byName } from './broker-configs.ts'
import type { ConfigKey } from './config-key.ts'
import { clientMetricsRows } from './tables/client-metrics.ts'
import { groupResourcesRows } from './tables/group-resources.ts'
import { topicRows } from './tables/topics.ts'

export const topicConfigs: ReadonlyMap<string, ConfigKey> = byName(topicRows)
export const groupConfigs: ReadonlyMap<string, ConfigKey> = byName(groupResourcesRows)
export const clientMetricsConfigs: ReadonlyMap<string, ConfigKey> = byName(clientMetricsRows)

type Unit = 'same' | 'minutes' | 'hours'

/** A broker's configuration that is the default of a topic's, and what turns its value into the topic's. */
export interface TopicSynonym {
  readonly name: string
  readonly unit: Unit
}

function same(name: string): readonly TopicSynonym[] {
  return [{ name, unit: 'same' }]
}

/** ServerTopicConfigSynonyms: the strongest first. A topic configuration that is missing here has no synonym. */
export const topicSynonyms: ReadonlyMap<string, readonly TopicSynonym[]> = new Map([
  ['cleanup.policy', same('log.cleanup.policy')],
  ['compression.gzip.level', same('compression.gzip.level')],
  ['compression.lz4.level', same('compression.lz4.level')],
  ['compression.type', same('compression.type')],
  ['compression.zstd.level', same('compression.zstd.level')],
  ['delete.retention.ms', same('log.cleaner.delete.retention.ms')],
  ['file.delete.delay.ms', same('log.segment.delete.delay.ms')],
  ['flush.messages', same('log.flush.interval.messages')],
  ['flush.ms', [...same('log.flush.interval.ms'), ...same('log.flush.scheduler.interval.ms')]],
  ['index.interval.bytes', same('log.index.interval.bytes')],
  ['local.retention.bytes', same('log.local.retention.bytes')],
  ['local.retention.ms', same('log.local.retention.ms')],
  ['max.compaction.lag.ms', same('log.cleaner.max.compaction.lag.ms')],
  ['max.message.bytes', same('message.max.bytes')],
  ['message.timestamp.after.max.ms', same('log.message.timestamp.after.max.ms')],
  ['message.timestamp.before.max.ms', same('log.message.timestamp.before.max.ms')],
  ['message.timestamp.type', same('log.message.timestamp.type')],
  ['min.cleanable.dirty.ratio', same('log.cleaner.min.cleanable.ratio')],
  ['min.compaction.lag.ms', same('log.cleaner.min.compaction.lag.ms')],
  ['min.insync.replicas', same('min.insync.replicas')],
  ['preallocate', same('log.preallocate')],
  ['retention.bytes', same('log.retention.bytes')],
  [
    'retention.ms',
    [
      { name: 'log.retention.ms', unit: 'same' },
      { name: 'log.retention.minutes', unit: 'minutes' },
      { name: 'log.retention.hours', unit: 'hours' },
    ],
  ],
  ['segment.bytes', same('log.segment.bytes')],
  ['segment.index.bytes', same('log.index.size.max.bytes')],
  [
    'segment.jitter.ms',
    [
      { name: 'log.roll.jitter.ms', unit: 'same' },
      { name: 'log.roll.jitter.hours', unit: 'hours' },
    ],
  ],
  [
    'segment.ms',
    [
      { name: 'log.roll.ms', unit: 'same' },
      { name: 'log.roll.hours', unit: 'hours' },
    ],
  ],
  ['unclean.leader.election.enable', same('unclean.leader.election.enable')],
])

/** The name under which a topic's default is described (ServerTopicConfigSynonyms.TOPIC_CONFIG_SYNONYMS). */
export function serverSynonym(topicConfig: string): string | undefined {
  return topicSynonyms.get(topicConfig)?.[0]?.name
}

const unitMs: Readonly<Record<Unit, bigint>> = { same: 1n, minutes: 60_000n, hours: 3_600_000n }

/** A broker's value as the topic's. A negative retention is "for ever" in every unit. */
export function fromSynonym(synonym: TopicSynonym, value: string): string {
  if (synonym.unit === 'same') return value
  const count = BigInt(value)
  return count < 0n ? '-1' : String(count * unitMs[synonym.unit])
}

/** Whether DescribeConfigs and the tools may see it without its having been set. */
export function isPublic(key: ConfigKey): boolean {
  return !key.internal
}

/** A row that must exist, by our own tables. */
export function keyOf(table: ReadonlyMap<string, ConfigKey>, name: string): ConfigKey {
  const key = table.get(name)
  assert(key !== undefined, `no configuration ${name}`)
  return key
}
