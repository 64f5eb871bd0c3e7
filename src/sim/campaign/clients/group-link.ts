import type { Millis, NodeId } from '../../../base/units.ts'
import { Peer } from '../../../client/peer.ts'
import { type Api, apis } from '../../../protocol/apis.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { Draft, Message, Schema } from '../../../protocol/schema.ts'
import type { ClusterWorld } from '../../cluster-world.ts'
import type { Place } from '../../network-links.ts'

const findTimeoutMs: Millis = 1_000

/** How a member reaches the coordinator of its group: it asks one node after the other who that is, believes it, and asks again when that proves wrong. */
export class GroupLink {
  private readonly world: ClusterWorld
  private readonly groupId: string
  private readonly clientId: string
  private readonly place: Place
  private readonly peers = new Map<NodeId, Peer>()
  private coordinator: NodeId | null = null
  private nextAsked: number

  constructor(world: ClusterWorld, groupId: string, clientId: string, place: Place, firstAsked: number) {
    this.world = world
    this.groupId = groupId
    this.clientId = clientId
    this.place = place
    this.nextAsked = firstAsked
  }

  forget(): void {
    this.coordinator = null
  }

  /** Null: nobody knows what came of it. */
  async call<Req extends Schema, Res extends Schema>(
    api: Api<Req, Res>,
    body: Draft<Req>,
    options: { readonly timeoutMs: Millis; readonly version?: number },
  ): Promise<Message<Res> | null> {
    const to = this.coordinator ?? (await this.find())
    if (to === null) return null
    try {
      return await this.peer(to).request(api, options.version ?? api.versionMax, body, { timeoutMs: options.timeoutMs })
    } catch {
      this.forget()
      return null
    }
  }

  private async find(): Promise<NodeId | null> {
    const ids = [...this.world.nodes.keys()]
    const asked = ids[this.nextAsked % ids.length] ?? 1
    this.nextAsked += 1
    try {
      const body = { keyType: 0, coordinatorKeys: [this.groupId] }
      const { versionMax } = apis.findCoordinator
      const answer = await this.peer(asked).request(apis.findCoordinator, versionMax, body, { timeoutMs: findTimeoutMs })
      const found = answer.coordinators[0]
      this.coordinator = found?.errorCode === ErrorCode.NONE ? found.nodeId : null
    } catch {
      this.coordinator = null
    }
    return this.coordinator
  }

  private peer(id: NodeId): Peer {
    let peer = this.peers.get(id)
    if (peer === undefined) {
      peer = new Peer(this.world.clientPorts(this.place), { ...this.world.endpoint(id), clientId: this.clientId })
      this.peers.set(id, peer)
    }
    return peer
  }

  close(): void {
    for (const peer of this.peers.values()) peer.close()
  }
}
