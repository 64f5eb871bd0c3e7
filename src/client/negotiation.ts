import type { Api } from '../protocol/apis.ts'
import { apis } from '../protocol/apis.ts'
import { errorName, ErrorCode } from '../protocol/errors.ts'
import { readResponse } from '../protocol/frames.ts'
import { PeerError } from './peer-error.ts'
import type { Peer, RequestOptions } from './peer.ts'

/** What a foreign peer serves, as its ApiVersions answer says. */
export class PeerVersions {
  private readonly ranges: ReadonlyMap<number, { readonly minVersion: number; readonly maxVersion: number }>

  constructor(apiKeys: readonly { readonly apiKey: number; readonly minVersion: number; readonly maxVersion: number }[]) {
    this.ranges = new Map(apiKeys.map((it) => [it.apiKey, it]))
  }

  /** The highest version that both sides know, at most `max`; undefined when there is none. */
  best(api: Api, max = api.versionMax): number | undefined {
    const theirs = this.ranges.get(api.key)
    if (theirs === undefined) return undefined
    const version = Math.min(api.versionMax, theirs.maxVersion, max)
    return version >= Math.max(api.versionMin, theirs.minVersion) ? version : undefined
  }

  /** As `best`. @throws PeerError EUNSUPPORTED */
  require(api: Api, max = api.versionMax): number {
    const version = this.best(api, max)
    if (version === undefined)
      throw new PeerError('EUNSUPPORTED', `the peer does not serve ${api.name} in a version from ${api.versionMin} to ${max}`)
    return version
  }
}

/** The answer's header is a correlation id only, whatever the version; the error code comes first in every version of the body. */
const errorCodeAt = 4
const software = { clientSoftwareName: 'odradek', clientSoftwareVersion: '0.1.0' }

/** Asks a peer for its versions, first in our newest way, then as the oldest of brokers understands (KIP-511). Rejects with PeerError. */
export async function negotiate(peer: Peer, options: RequestOptions): Promise<PeerVersions> {
  const newest = await newestAnswer(peer, options)
  const answer = newest ?? (await peer.request(apis.apiVersions, 0, {}, options))
  if (answer.errorCode !== ErrorCode.NONE)
    throw new PeerError('EUNSUPPORTED', `ApiVersions was answered with ${errorName(answer.errorCode)}`)
  return new PeerVersions(answer.apiKeys)
}

/** Null when the peer does not know this version: it then answers in version 0, whatever was asked. */
async function newestAnswer(peer: Peer, options: RequestOptions) {
  const version = apis.apiVersions.versionMax
  const frame = await peer.requestFrame(apis.apiVersions, version, software, options)
  if (frame.length >= errorCodeAt + 2 && frame.readInt16BE(errorCodeAt) === ErrorCode.UNSUPPORTED_VERSION) return null
  return readResponse(apis.apiVersions, version, frame).body
}
