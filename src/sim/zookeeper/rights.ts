import { createHash } from 'node:crypto'
import { type Acl, permissions } from '../../zookeeper/wire/records.ts'

export interface Identity {
  readonly scheme: string
  readonly id: string
}

/** org.apache.zookeeper.server.auth.DigestAuthenticationProvider.generateDigest */
export function digestIdentity(userAndPassword: Buffer): Identity | null {
  const colon = userAndPassword.indexOf(':')
  if (colon === -1) return null
  const hash = createHash('sha1').update(userAndPassword).digest('base64')
  return { scheme: 'digest', id: `${userAndPassword.subarray(0, colon).toString()}:${hash}` }
}

export function may(who: readonly Identity[], permission: keyof typeof permissions, acl: readonly Acl[]): boolean {
  return acl.some(
    (it) =>
      (it.permissions & permissions[permission]) !== 0 &&
      (it.scheme === 'world' || who.some(({ scheme, id }) => scheme === it.scheme && id === it.id)),
  )
}

/** `auth` stands for whoever asks. Null: the rights cannot be given. */
export function settledAcl(acl: readonly Acl[], who: readonly Identity[]): readonly Acl[] | null {
  const settled = acl.flatMap((it) => (it.scheme === 'auth' ? who.map((identity) => ({ ...it, ...identity })) : [it]))
  const isGiven = acl.length > 0 && acl.every((it) => it.scheme !== 'auth' || who.length > 0)
  return isGiven ? settled : null
}
