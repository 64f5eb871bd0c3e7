import type { ControllerRequest, ControllerResponse } from '../commands.ts'
import { done, refused } from '../outcome.ts'
import type { ControllerState, RecordBatch } from '../state.ts'
import { removeFromIsrs } from './fencing.ts'

/**
 * UnregisterBroker (64) v0: the cluster forgets a broker. Its data may come back: it stays eligible where it was, or, without
 * eligible leader replicas, as the last member in an ISR.
 */
export function unregisterBroker(
  state: ControllerState,
  { brokerId }: ControllerRequest<'unregisterBroker'>,
  out: RecordBatch,
): ControllerResponse<'unregisterBroker'> {
  const broker = state.image.brokers.byId(brokerId)
  if (broker === undefined) {
    return { throttleTimeMs: 0, ...refused('BROKER_ID_NOT_REGISTERED', `Broker ID ${brokerId} is not currently registered`) }
  }
  removeFromIsrs(state, brokerId, state.index.inIsrOf(brokerId), out)
  out.add('unregisterBroker', { brokerId, brokerEpoch: broker.epoch })
  state.sessions.forget(brokerId)
  return { throttleTimeMs: 0, ...done }
}
