import type { Disk } from '../base/ports.ts'

/**
 * Replaces a small file whole or not at all, without waiting for the platter: for what can be rebuilt after a power cut.
 * What must be durable goes through Disk.replaceSmall. Throws DiskError.
 */
export function writeSmall(disk: Disk, path: string, content: string): void {
  const temporary = `${path}.tmp`
  const file = disk.open(temporary, { create: true })
  try {
    file.truncate(0)
    file.write(0, [Buffer.from(content)])
  } finally {
    file.close()
  }
  disk.rename(temporary, path)
}
