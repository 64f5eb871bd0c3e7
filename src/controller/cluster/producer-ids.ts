import { ErrorCode } from '../../protocol/errors.ts'
import type { ControllerRequest, ControllerResponse } from '../commands.ts'
import { producerIdBlockSize } from '../settings.ts'
import type { ControllerState, RecordBatch } from '../state.ts'

/** AllocateProducerIds (67) v0: a block of ids for one broker, never given again. */
export function allocateProducerIds(
  state: ControllerState,
  request: ControllerRequest<'allocateProducerIds'>,
  out: RecordBatch,
): ControllerResponse<'allocateProducerIds'> {
  const nothing = { throttleTimeMs: 0, producerIdStart: 0, producerIdLen: 0 }
  const broker = state.image.brokers.byId(request.brokerId)
  if (broker === undefined || broker.epoch !== request.brokerEpoch) return { ...nothing, errorCode: ErrorCode.STALE_BROKER_EPOCH }
  const start = state.image.nextProducerId
  const next = start + producerIdBlockSize
  if (!Number.isSafeInteger(next)) return { ...nothing, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }
  out.add('producerIds', { brokerId: broker.id, brokerEpoch: broker.epoch, nextProducerId: next })
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerIdStart: start, producerIdLen: producerIdBlockSize }
}
