import type { Millis, Uuid } from '../../base/units.ts'
import type { BrokerImage } from '../../metadata/brokers-image.ts'
import { hasCordonedDirectories, hasDirectories } from '../../metadata/metadata-version.ts'
import { isSameLineage } from '../../metadata/incarnation.ts'
import { DIRECTORY_LOST, directoryOf, isReservedDirectory } from '../../metadata/partition-image.ts'
import { METADATA_VERSION } from '../../metadata/supported-features.ts'
import type { ErrorName } from '../../protocol/errors.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ControllerRequest, ControllerResponse, RequestContext } from '../commands.ts'
import type { PartitionKey } from '../partitions/partition-index.ts'
import { type ControllerState, isDurable, type RecordBatch } from '../state.ts'
import { removeFromIsrs, removeLossy, trustedOn } from './fencing.ts'

type Request = ControllerRequest<'brokerRegistration'>
type Response = ControllerResponse<'brokerRegistration'>

/**
 * BrokerRegistration (62) v0–4, ClusterControlManager.registerBroker.
 *
 * A new incarnation starts fenced, with the offset of its RegisterBrokerRecord as epoch (the record is the first of the decision), and whatever the
 * old one still held in ISRs and leaderships is taken away in the same batch. The same incarnation again (an answer was lost) keeps its epoch.
 *
 * A broker that cannot show that it kept all that it had (see `keptAll`) restarts *lossily*: it is not eligible to lead any more, either.
 */
export function registerBroker(state: ControllerState, now: Millis, request: Request, context: RequestContext, out: RecordBatch): Response {
  const existing = state.image.brokers.byId(request.brokerId)
  const error = refusal(state, now, request, existing)
  if (error !== null) return { throttleTimeMs: 0, errorCode: ErrorCode[error] }
  const same = existing !== undefined && existing.incarnationId === request.incarnationId ? existing : undefined
  const epoch = same?.epoch ?? state.nextOffset
  const version = state.image.metadataVersion
  out.add('registerBroker', {
    brokerId: request.brokerId,
    brokerEpoch: epoch,
    incarnationId: request.incarnationId,
    endPoints: request.listeners.map(({ name, host, port, securityProtocol }) => ({ name, host, port, securityProtocol })),
    features: request.features.map(({ name, minSupportedVersion, maxSupportedVersion }) => ({
      name,
      minSupportedVersion,
      maxSupportedVersion,
    })),
    rack: request.rack,
    fenced: same?.fenced ?? true,
    inControlledShutdown: same?.inControlledShutdown ?? false,
    logDirs: hasDirectories(version) ? [...request.logDirs].sort() : [],
    cordonedLogDirs: same !== undefined && hasCordonedDirectories(version) ? same.cordonedLogDirs : null,
  })
  if (same === undefined) {
    const kept = keptBy(state, request, existing, context)
    removeFromIsrs(state, request.brokerId, [...state.index.inIsrOf(request.brokerId)].filter(kept), out)
    const lost = trustedOn(state, request.brokerId).filter((it) => !kept(it))
    removeLossy(state, request.brokerId, lost, out)
  }
  state.sessions.heard(now, request.brokerId, epoch, -1)
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, brokerEpoch: epoch }
}

/**
 * Of which partitions a broker still has all that it had: of those in directories that it names again, and after a loss of power of the durable ones only,
 * for what was acknowledged was on its disks (Kafka trusts it with none then).
 */
function keptBy(
  state: ControllerState,
  request: Request,
  existing: BrokerImage | undefined,
  context: RequestContext,
): (partition: PartitionKey) => boolean {
  if (existing === undefined) return () => false
  const all = keptAll(existing, request, context)
  return (partition) => hasPlaceOf(state, request, existing, partition) && (all || isDurable(state, partition))
}

function hasPlaceOf(state: ControllerState, { logDirs }: Request, existing: BrokerImage, { topicId, partition }: PartitionKey): boolean {
  const image = state.image.partition(topicId, partition)
  const directory = image === undefined ? undefined : directoryOf(image, existing.id)
  if (directory !== undefined && !isReservedDirectory(directory)) return logDirs.includes(directory)
  return directory !== DIRECTORY_LOST && existing.logDirs.every((it) => logDirs.includes(it))
}

/**
 * Since version 3 a broker says under which epoch it had all that is on its disk now: that of its last registration, if nothing was lost since. Beyond Kafka
 * it may be of the same lineage as that registration, whose epoch it then has not learned.
 */
function keptAll(existing: BrokerImage, request: Request, context: RequestContext): boolean {
  if (isSameLineage(existing.incarnationId, request.incarnationId)) return true
  return context.version >= 3 && existing.epoch === request.previousBrokerEpoch
}

function refusal(state: ControllerState, now: Millis, request: Request, existing: BrokerImage | undefined): ErrorName | null {
  if (request.clusterId !== state.settings.clusterId) return 'INCONSISTENT_CLUSTER_ID'
  if (request.brokerId < 0) return 'INVALID_REGISTRATION'
  const isOther = existing !== undefined && existing.incarnationId !== request.incarnationId
  if (isOther && state.sessions.isAlive(now, existing.id, existing.epoch)) return 'DUPLICATE_BROKER_REGISTRATION'
  if (request.isMigratingZkBroker) return 'BROKER_ID_NOT_REGISTERED'
  if (hasDirectories(state.image.metadataVersion) && !directoriesAreGood(state, request.brokerId, request.logDirs))
    return 'INVALID_REGISTRATION'
  if (!request.features.some((feature) => feature.name === METADATA_VERSION)) return 'INVALID_REGISTRATION'
  return supportsFinalized(state, request) ? null : 'UNSUPPORTED_VERSION'
}

/** There are some, none is reserved or named twice, and no other broker has one of them: a copied data directory would come up as a second owner. */
function directoriesAreGood(state: ControllerState, brokerId: number, directories: readonly Uuid[]): boolean {
  if (directories.length === 0 || new Set(directories).size !== directories.length) return false
  if (directories.some(isReservedDirectory)) return false
  for (const other of state.image.brokers.all()) {
    if (other.id !== brokerId && other.logDirs.some((directory) => directories.includes(directory))) return false
  }
  return true
}

/** A feature that it does not name it supports at level 0 only. */
function supportsFinalized(state: ControllerState, request: Request): boolean {
  const levels = new Map(state.image.features.finalized).set(METADATA_VERSION, state.image.metadataVersion)
  for (const [name, level] of levels) {
    const range = request.features.find((feature) => feature.name === name) ?? { minSupportedVersion: 0, maxSupportedVersion: 0 }
    if (level < range.minSupportedVersion || level > range.maxSupportedVersion) return false
  }
  return true
}
