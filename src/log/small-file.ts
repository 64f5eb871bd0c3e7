import type { Disk } from '../base/ports.ts'

/**
 * Writes a small file, or replaces it whole or not at all, without waiting for the platter: for what can be rebuilt after a power cut, and of
 * which a reader can tell that it was cut off.
 * What must be durable goes through Disk.replaceSmall. Throws DiskError.
 */
export function writeSmall(disk: Disk, path: string, content: string): void {
  if (!disk.exists(path)) return writeInto(disk, path, content)
  // Not the name that Disk.replaceSmall may be using for the same file at this moment
  const temporary = `${path}.small.tmp`
  writeInto(disk, temporary, content)
  disk.rename(temporary, path)
}

function writeInto(disk: Disk, path: string, content: string): void {
  const file = disk.open(path, { create: true })
  try {
    file.truncate(0)
    file.write(0, [Buffer.from(content)])
  } finally {
    file.close()
  }
}
