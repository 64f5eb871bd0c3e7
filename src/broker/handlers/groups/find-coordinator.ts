import { NO_NODE, type NodeId } from '../../../base/units.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { Handler, RequestContext } from '../../../server/handlers.ts'
import { endpointOf } from '../topic-entries.ts'
import { OFFSETS_TOPIC } from '../../internal-topics.ts'
import type { TopicMaker } from '../auto-topics.ts'
import type { GroupHandlersContext } from './context.ts'

/** FindCoordinatorRequest.CoordinatorType, by its ids. */
const CoordinatorType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const

interface Around {
  readonly broker: GroupHandlersContext
  readonly maker: TopicMaker
}

interface Found {
  readonly nodeId: NodeId
  readonly host: string
  readonly port: number
  readonly errorCode: ErrorCode
  /** For a person. */
  readonly errorMessage: string
}

const firstVersionWithKeys = 4

/**
 * FindCoordinator (10), versions 0–6: one key, or several since version 4. The coordinator of a group is the leader of its partition of
 * `__consumer_offsets`, which is made when it is asked for first; until it has a leader that can be reached by the listener of the request, the answer
 * is COORDINATOR_NOT_AVAILABLE, and clients ask again.
 *
 * There are no coordinators of transactions and of share groups. A transactional id is refused as InitProducerId refuses it, with the one error that ends
 * a producer at once in every client; the reason is in the message.
 */
export function findCoordinatorHandler(broker: GroupHandlersContext, maker: TopicMaker): Handler<'findCoordinator'> {
  return (request, context) => {
    const find = (key: string): Found => findByType({ broker, maker }, request.keyType, key, context)
    if (context.apiVersion < firstVersionWithKeys) return { throttleTimeMs: 0, ...withWord(find(request.key)) }
    return { throttleTimeMs: 0, coordinators: request.coordinatorKeys.map((key) => ({ key, ...find(key) })) }
  }
}

function findByType(around: Around, keyType: number, key: string, context: RequestContext): Found {
  switch (keyType) {
    case CoordinatorType.GROUP:
      return findGroupCoordinator(around, key, context)
    case CoordinatorType.TRANSACTION:
      return failed(
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        'This cluster does not serve transactions: use a producer without transactional.id.',
      )
    case CoordinatorType.SHARE:
      return failed(ErrorCode.INVALID_REQUEST, 'This cluster does not serve share groups.')
    default:
      return failed(ErrorCode.INVALID_REQUEST, `Unknown coordinator type ${keyType}`)
  }
}

function findGroupCoordinator({ broker, maker }: Around, groupId: string, context: RequestContext): Found {
  const { topics, brokers } = broker.image
  const topic = topics.byName(OFFSETS_TOPIC)
  if (topic === undefined) {
    maker.make([OFFSETS_TOPIC], context)
    return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE, `The topic ${OFFSETS_TOPIC} is being made.`)
  }
  const leader = brokers.byId(topic.partitions[broker.groups.partitionFor(groupId)]?.leader ?? NO_NODE)
  const endpoint = endpointOf(leader, context.connection.listenerName)
  if (leader === undefined || endpoint === undefined || leader.fenced) {
    return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE, `The group's partition of ${OFFSETS_TOPIC} has no leader now.`)
  }
  return { nodeId: leader.id, host: endpoint.host, port: endpoint.port, errorCode: ErrorCode.NONE, errorMessage: '' }
}

/** Before version 4 Kafka's brokers say so in words when there is no error. */
function withWord(found: Found): Found {
  return found.errorCode === ErrorCode.NONE ? { ...found, errorMessage: 'NONE' } : found
}

function failed(errorCode: ErrorCode, errorMessage: string): Found {
  return { nodeId: NO_NODE, host: '', port: -1, errorCode, errorMessage }
}
