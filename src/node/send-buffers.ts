/** Below this a buffer of its own is as good: Node has a pool for small ones, and the collector is not driven by them. */
const smallestBytes = 16 * 1024
/** A fetch asks for a mebibyte of a partition unless it is told otherwise, and the log reads a little beyond. */
const largestBytes = 4 * 1024 * 1024
/** Kept for later, in each thread: what a few consumers have on their way at a time. */
const keptBytesMax = 32 * 1024 * 1024

/**
 * Memory for what is read from files to be sent (`Disk.bufferToSend`). Each new buffer of that size drives V8's collector, which counts bytes outside of
 * its heap: fetches from files spent half of their time in it. So memory that a connection has sent is given out again.
 *
 * Invariants: a block is out or kept, never both; only what was given out comes back, and once; what nobody gives back (an answer that was never sent, a
 * connection that broke) belongs to the collector, as any buffer does.
 */
export class SendBuffers {
  /** By the power of two that their size is. */
  private readonly kept = new Map<number, ArrayBufferLike[]>()
  private keptBytes = 0
  private readonly out = new WeakSet<ArrayBufferLike>()

  /** Its content is arbitrary. */
  take(bytes: number): Buffer {
    if (bytes < smallestBytes || bytes > largestBytes) return Buffer.allocUnsafe(bytes)
    const size = 2 ** Math.ceil(Math.log2(bytes))
    const block = this.kept.get(size)?.pop()
    if (block !== undefined) this.keptBytes -= size
    const memory = block ?? Buffer.allocUnsafeSlow(size).buffer
    this.out.add(memory)
    return Buffer.from(memory, 0, bytes)
  }

  /** Whether the memory of `buffer`, or of what it is a part of, is to come back. */
  isOut(buffer: Buffer): boolean {
    return this.out.has(buffer.buffer)
  }

  /** Nobody reads or writes the buffer any more. */
  giveBack(buffer: Buffer): void {
    const memory = buffer.buffer
    if (!this.out.delete(memory)) return
    const size = memory.byteLength
    if (this.keptBytes + size > keptBytesMax) return
    const others = this.kept.get(size)
    if (others === undefined) this.kept.set(size, [memory])
    else others.push(memory)
    this.keptBytes += size
  }
}
