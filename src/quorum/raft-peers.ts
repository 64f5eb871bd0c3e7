import { assert } from '../base/assert.ts'
import type { Clock, Entropy, Log, Network } from '../base/ports.ts'
import type { Millis, NodeId } from '../base/units.ts'
import { Peer, PeerError } from '../client/peer.ts'
import { MalformedError } from '../protocol/reader.ts'
import type { CallId, RaftRequest } from '../raft/messages.ts'
import { ask, type RaftAnswer, RaftRefusedError, type RaftSpeaker } from './raft-wire.ts'

export interface VoterAddress {
  readonly id: NodeId
  readonly host: string
  readonly port: number
}

export interface PeerPorts {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly network: Network
  readonly log: Log
}

export interface RaftPeerEvents {
  onAnswer(call: CallId, answer: RaftAnswer): void
  /** `refused`: nothing listens there. */
  onFailed(call: CallId, refused: boolean): void
}

/** A dial that finds a stopped process's full backlog, or no host, is given up after this. */
const dialTimeoutMs = 1000
const reconnectBackoffMs = 10
const reconnectBackoffMaxMs = 100

/** The other voters. Each has two connections: a vote must not wait behind a fetch that waits for news. */
export class RaftPeers {
  private readonly ports: PeerPorts
  private readonly speaker: RaftSpeaker
  private readonly events: RaftPeerEvents
  private readonly voters: ReadonlyMap<NodeId, VoterAddress>
  private readonly peers = new Map<string, Peer>()
  private readonly clientId: string
  private closed = false

  constructor(ports: PeerPorts, speaker: RaftSpeaker, clientId: string, voters: readonly VoterAddress[], events: RaftPeerEvents) {
    this.ports = ports
    this.speaker = speaker
    this.clientId = clientId
    this.voters = new Map(voters.map((voter) => [voter.id, voter]))
    this.events = events
  }

  send(call: CallId, to: NodeId, request: RaftRequest, timeoutMs: Millis): void {
    if (this.closed) return
    ask(this.peerFor(to, request), this.speaker, request, timeoutMs).then(
      (answer) => this.closed || this.events.onAnswer(call, answer),
      (error: unknown) => this.closed || this.onError(call, to, error),
    )
  }

  close(): void {
    this.closed = true
    for (const peer of this.peers.values()) peer.close()
  }

  private onError(call: CallId, to: NodeId, error: unknown): void {
    if (error instanceof RaftRefusedError || error instanceof MalformedError) {
      this.ports.log.write('warn', 'raft-peer-refuses', `controller ${to}: ${error.message}`, { peer: to })
    } else if (!(error instanceof PeerError)) throw error
    this.events.onFailed(call, error instanceof PeerError && error.code === 'ECONNREFUSED')
  }

  private peerFor(to: NodeId, request: RaftRequest): Peer {
    const lane = request.kind === 'fetch' || request.kind === 'fetchSnapshot' ? 'fetch' : 'vote'
    const key = `${to}/${lane}`
    let peer = this.peers.get(key)
    if (peer === undefined) {
      const address = this.voters.get(to)
      assert(address !== undefined, `${to} is a voter`)
      const { host, port } = address
      peer = new Peer(this.ports, { host, port, clientId: this.clientId, dialTimeoutMs, reconnectBackoffMs, reconnectBackoffMaxMs })
      this.peers.set(key, peer)
    }
    return peer
  }
}
