/** What was compressed is larger than the caller allows. */
export class DecompressedTooLargeError extends Error {
  override readonly name = 'DecompressedTooLargeError'
  constructor(codec: string, maxBytes: number) {
    super(`more than ${maxBytes} bytes come out of these ${codec} data`)
  }
}

/** This process cannot do it with this codec: a native package has no binary for the platform, or Node is too old. */
export class CodecUnavailableError extends Error {
  override readonly name = 'CodecUnavailableError'
}
