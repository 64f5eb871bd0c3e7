import { type NodeId, type Offset, partitionName, type TopicPartition, type Uuid } from '../base/units.ts'
import type { EpochStart } from './epoch-history.ts'

/** A small text file that does not say what it should. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
}

/** org.apache.kafka.server.common.CheckpointFile: version, number of lines, lines. */
function formatLines(lines: readonly string[]): string {
  return ['0', String(lines.length), ...lines, ''].join('\n')
}

function parseLines(text: string): readonly (readonly string[])[] {
  // Without its last newline the file was cut off, maybe within a number.
  if (!text.endsWith('\n')) throw new CheckpointError('checkpoint that does not end with a line')
  const lines = text.split('\n')
  if (lines[0]?.trim() !== '0') throw new CheckpointError(`checkpoint of version '${lines[0] ?? ''}', expected 0`)
  const count = wholeNumber(lines[1])
  const body = lines.slice(2, 2 + count)
  if (body.length !== count) throw new CheckpointError(`checkpoint with ${body.length} of ${count} lines`)
  if (lines.slice(2 + count).some((line) => line.trim() !== '')) throw new CheckpointError('checkpoint with lines after its end')
  return body.map((line) => line.trim().split(/\s+/))
}

function wholeNumber(text: string | undefined): number {
  const value = Number(text)
  if (text === undefined || text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new CheckpointError(`'${text ?? ''}' where a whole number belongs`)
  }
  return value
}

/** leader-epoch-checkpoint */
export function formatEpochs(entries: readonly EpochStart[]): string {
  return formatLines(entries.map((entry) => `${entry.epoch} ${entry.startOffset}`))
}

export function parseEpochs(text: string): readonly EpochStart[] {
  return parseLines(text).map((words) => ({ epoch: wholeNumber(words[0]), startOffset: wholeNumber(words[1]) }))
}

export interface CheckpointedOffset extends TopicPartition {
  readonly offset: Offset
}

/** recovery-point-, replication-, log-start- and cleaner-offset-checkpoint */
export function formatOffsets(entries: readonly CheckpointedOffset[]): string {
  return formatLines(entries.map((entry) => `${entry.topic} ${entry.partition} ${entry.offset}`))
}

/** Kafka makes the file empty and writes it later (CheckpointFile): an empty one speaks of nothing. */
export function parseOffsets(text: string): readonly CheckpointedOffset[] {
  if (text === '') return []
  return parseLines(text).map((words) => {
    const [topic, partition, offset] = words
    if (topic === undefined || words.length !== 3) throw new CheckpointError(`'${words.join(' ')}' is not 'topic partition offset'`)
    return { topic, partition: wholeNumber(partition), offset: wholeNumber(offset) }
  })
}

export function placed({ topic, partition }: TopicPartition, offset: Offset): CheckpointedOffset {
  return { topic, partition, offset }
}

export function placedIfKnown(log: TopicPartition, offset: Offset | null): readonly CheckpointedOffset[] {
  return offset === null ? [] : [placed(log, offset)]
}

export function byName(offsets: readonly CheckpointedOffset[]): Map<string, CheckpointedOffset> {
  return new Map(offsets.map((entry) => [partitionName(entry.topic, entry.partition), entry]))
}

/** partition.metadata (org.apache.kafka.storage.internals.checkpoint.PartitionMetadataFile) */
export function formatPartitionMetadata(topicId: Uuid): string {
  return `version: 0\ntopic_id: ${topicId}`
}

export function parsePartitionMetadata(text: string): Uuid {
  const lines = text.split('\n')
  const version = /^version:\s*(\S+)\s*$/.exec(lines[0] ?? '')?.[1]
  if (version !== '0') throw new CheckpointError(`partition.metadata of version '${version ?? ''}', expected 0`)
  const topicId = /^topic_id:\s*([A-Za-z0-9_-]{22})\s*$/.exec(lines[1] ?? '')?.[1]
  if (topicId === undefined) throw new CheckpointError('partition.metadata without a topic id')
  return topicId
}

/** What `meta.properties` says. */
export interface DirectoryIdentity {
  readonly clusterId: string
  readonly nodeId: NodeId
  readonly directoryId: Uuid
}

/** meta.properties, version 1 (org.apache.kafka.metadata.properties.MetaProperties) */
export function formatMetaProperties(identity: DirectoryIdentity): string {
  const clusterId = identity.clusterId.replace(/[\\:=#! ]/g, '\\$&')
  return `#\ncluster.id=${clusterId}\ndirectory.id=${identity.directoryId}\nnode.id=${identity.nodeId}\nversion=1\n`
}

export function parseMetaProperties(text: string): DirectoryIdentity {
  const properties = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const pair = /^\s*([^#!\s:=][^\s:=]*)\s*[:=]\s*(.*)$/.exec(line)
    if (pair !== null) properties.set(pair[1] ?? '', (pair[2] ?? '').replace(/\\(.)/g, '$1').trim())
  }
  if (properties.get('version') !== '1') {
    throw new CheckpointError(`meta.properties of version '${properties.get('version') ?? ''}', expected 1 (KRaft)`)
  }
  const clusterId = properties.get('cluster.id')
  const directoryId = properties.get('directory.id')
  if (clusterId === undefined || directoryId === undefined) throw new CheckpointError('meta.properties without cluster.id or directory.id')
  return { clusterId, directoryId, nodeId: wholeNumber(properties.get('node.id')) }
}

/** .kafka_cleanshutdown (org.apache.kafka.storage.internals.checkpoint.CleanShutdownFileHandler) */
export function formatCleanShutdown(brokerEpoch: number): string {
  return JSON.stringify({ version: 0, brokerEpoch })
}

/** What a broker notes in its directories while it runs: in which run of the machine, and under which epoch it has registered. */
export interface RunningMark {
  readonly bootId: string
  readonly brokerEpoch: number
}

/** .odradek_running: ours alone; Kafka passes over it. */
export function formatRunning({ bootId, brokerEpoch }: RunningMark): string {
  return JSON.stringify({ version: 0, bootId, brokerEpoch })
}

/** Null when the mark does not say. */
export function parseRunning(text: string): RunningMark | null {
  const brokerEpoch = parseCleanShutdown(text)
  if (brokerEpoch < 0) return null
  const mark: unknown = JSON.parse(text)
  if (typeof mark !== 'object' || mark === null || !('bootId' in mark) || typeof mark.bootId !== 'string') return null
  return { bootId: mark.bootId, brokerEpoch }
}

/** The broker epoch of the last clean shutdown; -1 when the mark does not say. */
export function parseCleanShutdown(text: string): number {
  try {
    const mark: unknown = JSON.parse(text)
    if (typeof mark !== 'object' || mark === null || !('brokerEpoch' in mark)) return -1
    return typeof mark.brokerEpoch === 'number' && Number.isSafeInteger(mark.brokerEpoch) ? mark.brokerEpoch : -1
  } catch {
    return -1
  }
}
