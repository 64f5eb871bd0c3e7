import type { ApiCommandOf, GroupApi, GroupRequest } from '../../../groups/commands.ts'
import type { RequestContext } from '../../../server/handlers.ts'
import { addressBytes } from '../address-bytes.ts'

const ipv4Bytes = 4

/** A request as coordinators are asked. */
export function asked<K extends GroupApi>(api: K, request: GroupRequest<K>, context: RequestContext): ApiCommandOf<K> {
  const { apiVersion: version, clientId } = context
  return { api, request, context: { version, clientId, clientHost: clientHostOf(context.connection.clientHost) } }
}

/** An address as Java's InetAddress prints one without a name: `/10.0.0.1`, or `/` and eight groups in hexadecimal, none left out. */
export function clientHostOf(address: string): string {
  const bytes = addressBytes(address)
  if (bytes.length === ipv4Bytes) return `/${bytes.join('.')}`
  const groups = Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  return `/${groups.join(':')}`
}

/** GroupCoordinatorService.isGroupIdNotEmpty: only offsets may be kept under the empty name, for old clients that use no groups. */
export function isGroupId(groupId: string): boolean {
  return groupId !== ''
}
