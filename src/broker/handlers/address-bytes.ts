const ipv4Bytes = 4
const ipv6Bytes = 16
const ipv6Groups = 8

/** An address in text as the bytes of Java's InetAddress: 4 or 16. An IPv4 address that came mapped into IPv6 is an IPv4 address there. */
export function addressBytes(address: string): Buffer {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
  if (plain.includes(':')) return ipv6(plain.replace(/%.*$/, ''))
  const parts = plain.split('.').map(Number)
  const valid = parts.length === ipv4Bytes && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)
  return valid ? Buffer.from(parts) : Buffer.alloc(ipv4Bytes)
}

function ipv6(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const gap = Math.max(0, ipv6Groups - before.length - after.length)
  const all = tail === undefined ? before : [...before, ...Array.from({ length: gap }, () => 0), ...after]
  const out = Buffer.alloc(ipv6Bytes)
  all.slice(0, ipv6Groups).forEach((group, i) => out.writeUInt16BE(group & 0xffff, i * 2))
  return out
}

function groups(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16) || 0]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}
