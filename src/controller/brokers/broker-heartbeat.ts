import { unreachable } from '../../base/assert.ts'
import type { Millis, Offset } from '../../base/units.ts'
import { type BrokerImage, isActive } from '../../metadata/brokers-image.ts'
import { hasCordonedDirectories } from '../../metadata/metadata-version.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ControllerRequest, ControllerResponse } from '../commands.ts'
import { sameList } from '../partitions/partition-change.ts'
import type { ControllerState, RecordBatch } from '../state.ts'
import { beginControlledShutdown, fenceBroker, removeFromDirectories, unfenceBroker } from './fencing.ts'

type Request = ControllerRequest<'brokerHeartbeat'>
type Response = ControllerResponse<'brokerHeartbeat'>

/**
 * The life of a registered broker (BrokerHeartbeatManager.calculateNextBrokerState):
 *
 *   fenced --caught up--> unfenced --wants to shut down--> controlled shutdown --leads nothing, others know--> shut down (fenced)
 *     ^  \--wants to shut down--> shut down        \--leads nothing, wants to shut down--> shut down
 *     \--wants a fence, or its session ends (not here)
 */
type BrokerPhase = 'fenced' | 'unfenced' | 'controlled shutdown' | 'shut down'

/** BrokerHeartbeat (63) v0–2, ReplicationControlManager.processBrokerHeartbeat. */
export function brokerHeartbeat(state: ControllerState, now: Millis, request: Request, out: RecordBatch): Response {
  const broker = state.image.brokers.byId(request.brokerId)
  if (broker === undefined || broker.epoch !== request.brokerEpoch)
    return { throttleTimeMs: 0, errorCode: ErrorCode.STALE_BROKER_EPOCH, shouldShutDown: false }
  state.sessions.heard(now, broker.id, broker.epoch, request.currentMetadataOffset)
  const from = phaseOf(broker)
  onDirectories(state, broker, request, out)
  // Two changes of one partition must not be made from the same state: what failed first, the rest with the next heartbeat
  const to = out.size > 0 ? from : nextPhase(state, broker, from, request)
  if (to !== from) enter(state, broker, to, out)
  if (to === 'controlled shutdown') noteShutdownOffset(state, broker, out)
  if (to === 'shut down') state.sessions.forget(broker.id)
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    isCaughtUp: isCaughtUp(broker, request),
    isFenced: to === 'fenced' || to === 'shut down',
    shouldShutDown: to === 'shut down',
  }
}

function phaseOf(broker: BrokerImage): BrokerPhase {
  if (broker.fenced) return 'fenced'
  return broker.inControlledShutdown ? 'controlled shutdown' : 'unfenced'
}

function nextPhase(state: ControllerState, broker: BrokerImage, from: BrokerPhase, request: Request): BrokerPhase {
  switch (from) {
    case 'fenced':
      if (request.wantShutDown) return 'shut down'
      // Who was on its way out when it was fenced does not come back but as a new incarnation
      return !request.wantFence && !broker.inControlledShutdown && isCaughtUp(broker, request) ? 'unfenced' : 'fenced'
    case 'unfenced':
      if (request.wantFence) return request.wantShutDown ? 'shut down' : 'fenced'
      if (!request.wantShutDown) return 'unfenced'
      return state.index.inIsrCount(broker.id) > 0 ? 'controlled shutdown' : 'shut down'
    case 'controlled shutdown':
      return mayStop(state, broker) ? 'shut down' : 'controlled shutdown'
    case 'shut down':
      return from
    default:
      return unreachable(from)
  }
}

/** It has seen its own registration, and so all that was there before. */
function isCaughtUp(broker: BrokerImage, request: Request): boolean {
  return request.currentMetadataOffset >= broker.epoch
}

/** It leads nothing, and every broker that goes on has seen who does. */
function mayStop(state: ControllerState, broker: BrokerImage): boolean {
  const shutdownOffset = state.sessions.shutdownOffset(broker.id)
  return state.index.leaderships(broker.id) === 0 && shutdownOffset !== null && shutdownOffset <= lowestActiveOffset(state)
}

function lowestActiveOffset(state: ControllerState): Offset {
  let lowest = Infinity
  for (const broker of state.image.brokers.all()) {
    if (isActive(broker)) lowest = Math.min(lowest, state.sessions.metadataOffset(broker.id))
  }
  return lowest
}

function enter(state: ControllerState, broker: BrokerImage, phase: BrokerPhase, out: RecordBatch): void {
  switch (phase) {
    case 'unfenced':
      unfenceBroker(state, broker, out)
      return
    case 'controlled shutdown':
      beginControlledShutdown(state, broker, out)
      return
    case 'fenced':
    case 'shut down':
      if (!broker.fenced) fenceBroker(state, broker, out)
      return
    default:
      unreachable(phase)
  }
}

/** The place of the last record that moved something away from it; a controller that took over later takes the end of the log for that. */
function noteShutdownOffset(state: ControllerState, broker: BrokerImage, out: RecordBatch): void {
  if (state.sessions.shutdownOffset(broker.id) === null) state.sessions.setShutdownOffset(broker.id, state.nextOffset + out.size - 1)
}

/** Replicas in directories that failed lose their place in ISRs and their eligibility; directories that take no new replicas are noted. */
function onDirectories(state: ControllerState, broker: BrokerImage, request: Request, out: RecordBatch): void {
  const failed = broker.logDirs.filter((directory) => request.offlineLogDirs.includes(directory))
  if (failed.length > 0) removeFromDirectories(state, broker.id, failed, out)
  // When none is left the broker stops by itself; an empty list in the record would mean "no change"
  if (failed.length > 0 && failed.length < broker.logDirs.length) {
    const logDirs = broker.logDirs.filter((directory) => !failed.includes(directory))
    out.add('brokerRegistrationChange', { brokerId: broker.id, brokerEpoch: broker.epoch, logDirs })
  }
  const cordoned = request.cordonedLogDirs === null ? null : [...request.cordonedLogDirs].sort()
  if (cordoned === null || !hasCordonedDirectories(state.image.metadataVersion)) return
  if (sameList(cordoned, broker.cordonedLogDirs ?? [])) return
  out.add('brokerRegistrationChange', { brokerId: broker.id, brokerEpoch: broker.epoch, cordonedLogDirs: cordoned })
}
