import { frameSizeBytes } from './frames.ts'
import { MalformedError } from './reader.ts'

/** Parts below this size are gathered into blocks, so that a frame that trickles in does not cost an object for each byte. */
const smallPartBytes = 4_096
const blockBytes = 16_384

/**
 * Cuts a stream of received bytes into frames (without their sizes). A frame that lies in one piece is a view of it; one that spans pieces
 * is put together once, when all of it is there: memory grows with what was received, never with what the size claims.
 */
export class FrameAssembler {
  private readonly frameBytesMax: number
  /** Received pieces of which nothing has been taken yet, but for the first, which is taken up to `at`. */
  private pieces: Buffer[] = []
  private at = 0
  /** Size of the frame under way; -1 while its size is not known. */
  private size = -1
  private readonly sizeBytes = Buffer.alloc(frameSizeBytes)
  private sizeHave = 0
  private parts: Buffer[] = []
  private have = 0
  private block: Buffer | null = null
  private blockAt = 0

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax
  }

  push(piece: Buffer): void {
    if (piece.length > 0) this.pieces.push(piece)
  }

  /** Bytes of an incomplete frame that have been taken, its size included. 0 between frames. */
  get incompleteBytes(): number {
    return this.size === -1 ? this.sizeHave : frameSizeBytes + this.have
  }

  /** What the size of the incomplete frame says; -1 between frames. */
  get claimedBytes(): number {
    return this.size
  }

  /** The next whole frame, or null until more is pushed. @throws MalformedError for a negative size or one above the maximum */
  next(): Buffer | null {
    for (let piece = this.pieces[0]; piece !== undefined; piece = this.pieces[0]) {
      const frame = this.size === -1 ? this.takeSize(piece) : this.takeBody(piece)
      if (this.at === piece.length) {
        this.pieces.shift()
        this.at = 0
      }
      if (frame !== null) return frame
    }
    return null
  }

  private takeSize(piece: Buffer): Buffer | null {
    if (this.sizeHave === 0 && piece.length - this.at >= frameSizeBytes) {
      this.size = piece.readInt32BE(this.at)
      this.at += frameSizeBytes
    } else {
      const taken = piece.copy(this.sizeBytes, this.sizeHave, this.at)
      this.sizeHave += taken
      this.at += taken
      if (this.sizeHave < frameSizeBytes) return null
      this.size = this.sizeBytes.readInt32BE(0)
    }
    this.sizeHave = 0
    if (this.size < 0 || this.size > this.frameBytesMax) {
      throw new MalformedError(`a frame of ${this.size} bytes; at most ${this.frameBytesMax} are taken`)
    }
    return this.takeBody(piece)
  }

  private takeBody(piece: Buffer): Buffer | null {
    const length = Math.min(this.size - this.have, piece.length - this.at)
    const part = piece.subarray(this.at, this.at + length)
    this.at += length
    if (length === this.size) return this.begin(part)
    this.have += length
    this.keep(part)
    return this.have === this.size ? this.begin(this.join()) : null
  }

  /** The frame is whole: what comes next is a size. */
  private begin(frame: Buffer): Buffer {
    this.size = -1
    this.have = 0
    return frame
  }

  private keep(part: Buffer): void {
    if (part.length >= smallPartBytes) {
      this.closeBlock()
      this.parts.push(part)
      return
    }
    for (let from = 0; from < part.length;) {
      this.block ??= Buffer.allocUnsafeSlow(blockBytes)
      const taken = part.copy(this.block, this.blockAt, from)
      from += taken
      this.blockAt += taken
      if (this.blockAt === blockBytes) this.closeBlock()
    }
  }

  private closeBlock(): void {
    // A copy unless full: a part keeps no more memory than it has bytes.
    if (this.block !== null && this.blockAt > 0) {
      this.parts.push(this.blockAt === blockBytes ? this.block : Buffer.from(this.block.subarray(0, this.blockAt)))
    }
    this.block = null
    this.blockAt = 0
  }

  private join(): Buffer {
    this.closeBlock()
    const frame = Buffer.concat(this.parts, this.size)
    this.parts = []
    return frame
  }
}
