import { grouped } from '../../base/grouped.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, RequestOf, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext, ServedDirectory, ServedPartition } from './context.ts'

type Result = NonNullable<ResponseDraftOf<'describeLogDirs'>['results']>[number]
type Wanted = (partition: ServedPartition) => boolean

const unknownBytes = -1

/** DescribeLogDirs (35), versions 1–5: what lies in which of `log.dirs`, how big it is, and what is free (ReplicaManager.describeLogDirs). */
export function describeLogDirsHandler(broker: BrokerContext): Handler<'describeLogDirs'> {
  return (request) => {
    const wanted = wantedOf(request)
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, results: broker.directories.map((directory) => resultOf(directory, wanted)) }
  }
}

function wantedOf(request: RequestOf<'describeLogDirs'>): Wanted {
  if (request.topics === null) return () => true
  const byTopic = new Map<string, Set<number>>()
  for (const { topic, partitions } of request.topics) byTopic.set(topic, new Set([...(byTopic.get(topic) ?? []), ...partitions]))
  return (partition) => byTopic.get(partition.topic)?.has(partition.partition) === true
}

function resultOf(directory: ServedDirectory, wanted: Wanted): Result {
  const logDir = directory.path
  if (directory.offline) return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir, topics: [] }
  const byTopic = grouped([...directory.partitions].filter(wanted), (it) => it.topic)
  const space = directory.space()
  return {
    errorCode: ErrorCode.NONE,
    logDir,
    topics: [...byTopic].map(([name, partitions]) => ({ name, partitions: partitions.map(sizeOf) })),
    totalBytes: space?.total ?? unknownBytes,
    usableBytes: space?.free ?? unknownBytes,
  }
}

function sizeOf(partition: ServedPartition) {
  const { log, replica } = partition
  return {
    partitionIndex: partition.partition,
    partitionSize: log.sizeBytes,
    offsetLag: Math.max(replica.highWatermark - log.logEndOffset, 0),
    isFutureKey: false,
  }
}
