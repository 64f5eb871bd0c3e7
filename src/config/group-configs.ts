import type { Millis } from '../base/units.ts'
import type { Complain } from './addresses.ts'
import type { ServerValues } from './server-values.ts'

export type GroupMigrationPolicy = 'disabled' | 'downgrade' | 'upgrade' | 'bidirectional'
export type GroupAssignor = 'uniform' | 'range'

/** What the coordinator of groups acts on (GroupCoordinatorConfig), by Kafka's names in camel case. */
export interface GroupConfigs {
  readonly groupCoordinatorRebalanceProtocols: readonly string[]

  readonly groupMinSessionTimeoutMs: Millis
  readonly groupMaxSessionTimeoutMs: Millis
  readonly groupInitialRebalanceDelayMs: Millis
  readonly groupMaxSize: number

  readonly groupConsumerMaxSize: number
  /** The first is the default. */
  readonly groupConsumerAssignors: readonly GroupAssignor[]
  readonly groupConsumerMigrationPolicy: GroupMigrationPolicy
  readonly groupConsumerRegexRefreshIntervalMs: Millis
  readonly groupConsumerSessionTimeoutMs: Millis
  readonly groupConsumerMinSessionTimeoutMs: Millis
  readonly groupConsumerMaxSessionTimeoutMs: Millis
  readonly groupConsumerHeartbeatIntervalMs: Millis
  readonly groupConsumerMinHeartbeatIntervalMs: Millis
  readonly groupConsumerMaxHeartbeatIntervalMs: Millis
  readonly groupConsumerAssignmentIntervalMs: Millis
  readonly groupConsumerMinAssignmentIntervalMs: Millis
  readonly groupConsumerMaxAssignmentIntervalMs: Millis

  readonly offsetMetadataMaxBytes: number
  readonly offsetsCommitTimeoutMs: Millis
  readonly offsetsLoadBufferSize: number
  /** Of `offsets.retention.minutes`. */
  readonly offsetsRetentionMs: Millis
  readonly offsetsRetentionCheckIntervalMs: Millis
  /** The bits of a batch's codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly offsetsTopicCompressionCodec: number
  readonly offsetsTopicNumPartitions: number
  readonly offsetsTopicReplicationFactor: number
  readonly offsetsTopicSegmentBytes: number
}

const minuteMs: Millis = 60_000

/** From values that passed every check. */
export function groupConfigsOf(values: ServerValues): GroupConfigs {
  return {
    groupCoordinatorRebalanceProtocols: values.list('group.coordinator.rebalance.protocols'),
    groupMinSessionTimeoutMs: values.number('group.min.session.timeout.ms'),
    groupMaxSessionTimeoutMs: values.number('group.max.session.timeout.ms'),
    groupInitialRebalanceDelayMs: values.number('group.initial.rebalance.delay.ms'),
    groupMaxSize: values.number('group.max.size'),
    groupConsumerMaxSize: values.number('group.consumer.max.size'),
    groupConsumerAssignors: values.list('group.consumer.assignors').flatMap((it) => assignorOf(it) ?? []),
    groupConsumerMigrationPolicy: migrationPolicyOf(values.text('group.consumer.migration.policy')),
    groupConsumerRegexRefreshIntervalMs: values.number('group.consumer.regex.refresh.interval.ms'),
    groupConsumerSessionTimeoutMs: values.number('group.consumer.session.timeout.ms'),
    groupConsumerMinSessionTimeoutMs: values.number('group.consumer.min.session.timeout.ms'),
    groupConsumerMaxSessionTimeoutMs: values.number('group.consumer.max.session.timeout.ms'),
    groupConsumerHeartbeatIntervalMs: values.number('group.consumer.heartbeat.interval.ms'),
    groupConsumerMinHeartbeatIntervalMs: values.number('group.consumer.min.heartbeat.interval.ms'),
    groupConsumerMaxHeartbeatIntervalMs: values.number('group.consumer.max.heartbeat.interval.ms'),
    groupConsumerAssignmentIntervalMs: values.number('group.consumer.assignment.interval.ms'),
    groupConsumerMinAssignmentIntervalMs: values.number('group.consumer.min.assignment.interval.ms'),
    groupConsumerMaxAssignmentIntervalMs: values.number('group.consumer.max.assignment.interval.ms'),
    offsetMetadataMaxBytes: values.number('offset.metadata.max.bytes'),
    offsetsCommitTimeoutMs: values.number('offsets.commit.timeout.ms'),
    offsetsLoadBufferSize: values.number('offsets.load.buffer.size'),
    offsetsRetentionMs: values.number('offsets.retention.minutes') * minuteMs,
    offsetsRetentionCheckIntervalMs: values.number('offsets.retention.check.interval.ms'),
    offsetsTopicCompressionCodec: values.number('offsets.topic.compression.codec'),
    offsetsTopicNumPartitions: values.number('offsets.topic.num.partitions'),
    offsetsTopicReplicationFactor: values.number('offsets.topic.replication.factor'),
    offsetsTopicSegmentBytes: values.number('offsets.topic.segment.bytes'),
  }
}

/** By name, or by the class that Kafka has for it. */
function assignorOf(text: string): GroupAssignor | undefined {
  switch (text) {
    case 'uniform':
    case 'org.apache.kafka.coordinator.group.assignor.UniformAssignor':
      return 'uniform'
    case 'range':
    case 'org.apache.kafka.coordinator.group.assignor.RangeAssignor':
      return 'range'
    default:
      return undefined
  }
}

function migrationPolicyOf(text: string | null): GroupMigrationPolicy {
  switch (text?.toLowerCase()) {
    case 'disabled':
      return 'disabled'
    case 'downgrade':
      return 'downgrade'
    case 'upgrade':
      return 'upgrade'
    default:
      return 'bidirectional'
  }
}

const codecMax = 4

/** What must hold between the values, and what cannot be done here (the constructor of GroupCoordinatorConfig). */
export function checkGroups(values: ServerValues, complain: Complain): void {
  for (const setting of ['heartbeat.interval.ms', 'session.timeout.ms', 'assignment.interval.ms']) checkRange(values, setting, complain)
  const heartbeat = values.number('group.consumer.heartbeat.interval.ms')
  if (heartbeat >= values.number('group.consumer.session.timeout.ms')) {
    complain(
      'group.consumer.heartbeat.interval.ms',
      'must be less than group.consumer.session.timeout.ms, or every member is taken for dead',
    )
  }
  if (values.number('group.min.session.timeout.ms') > values.number('group.max.session.timeout.ms')) {
    complain('group.min.session.timeout.ms', 'is above group.max.session.timeout.ms, so nobody could join a group; lower it')
  }
  if (!values.list('group.coordinator.rebalance.protocols').includes('classic')) {
    complain('group.coordinator.rebalance.protocols', 'must contain classic: it cannot be disabled; add it, or leave this out')
  }
  const codec = values.number('offsets.topic.compression.codec')
  if (codec < 0 || codec > codecMax)
    complain('offsets.topic.compression.codec', `is ${codec}; give 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) or 4 (zstd)`)
  checkAssignors(values, complain)
}

function checkRange(values: ServerValues, setting: string, complain: Complain): void {
  const [name, minName, maxName] = [`group.consumer.${setting}`, `group.consumer.min.${setting}`, `group.consumer.max.${setting}`]
  const [value, min, max] = [values.number(name), values.number(minName), values.number(maxName)]
  if (max < min) complain(maxName, `must be at least ${minName} (${min})`)
  if (value < min) complain(name, `must be at least ${minName} (${min})`)
  if (value > max) complain(name, `must not be above ${maxName} (${max})`)
}

function checkAssignors(values: ServerValues, complain: Complain): void {
  const assignors = values.list('group.consumer.assignors')
  const unknown = assignors.filter((it) => assignorOf(it) === undefined)
  if (unknown.length > 0)
    complain('group.consumer.assignors', `names ${unknown.join(', ')}, and classes cannot be loaded here; give uniform, range or both`)
  else if (assignors.length === 0) complain('group.consumer.assignors', 'is empty; give uniform, range or both')
}
