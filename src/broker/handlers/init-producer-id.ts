import { ErrorCode } from '../../protocol/errors.ts'
import type { Handler, ResponseDraftOf } from '../../server/handlers.ts'
import type { BrokerContext } from './context.ts'
import type { ProducerIds } from './producer-ids.ts'

/**
 * InitProducerId (22), versions 0–5, for idempotent producers: a fresh id with epoch 0, from any broker.
 *
 * A transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, as in Produce: Kafka has no code for "not there", and this one ends a
 * producer at once in every client (the Java client and librdkafka take it for fatal, where librdkafka would repeat after most others). Few will
 * see it here: FindCoordinator, which a transactional producer sends before, says the same.
 */
export function initProducerIdHandler(broker: BrokerContext, ids: ProducerIds): Handler<'initProducerId'> {
  return (request) => {
    if (request.transactionalId === '') return failed(ErrorCode.INVALID_REQUEST)
    if (request.transactionalId !== null) return failed(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if (request.producerId < 0 !== request.producerEpoch < 0) return failed(ErrorCode.INVALID_REQUEST)
    const id = ids.next(broker.config.requestTimeoutMs)
    return id instanceof Promise ? id.then(answered) : answered(id)
  }
}

/** COORDINATOR_LOAD_IN_PROGRESS makes clients ask again (RPCProducerIdManager.generateProducerId). */
function answered(id: number | null): ResponseDraftOf<'initProducerId'> {
  if (id === null) return failed(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId: id, producerEpoch: 0 }
}

function failed(errorCode: ErrorCode): ResponseDraftOf<'initProducerId'> {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 }
}
