import { assert } from '../../base/assert.ts'
import type { Millis } from '../../base/units.ts'
import { apis } from '../../protocol/apis.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import { NoControllerError } from '../controller-channel.ts'
import type { BrokerContext } from './context.ts'

interface Block {
  next: number
  /** Exclusive. */
  readonly end: number
  readonly size: number
}

/** The next block is asked for when so much of the present one is used (RPCProducerIdManager.PID_PREFETCH_THRESHOLD). */
const prefetchThreshold = 0.9
const retryBackoffMs: Millis = 50
const waitersMax = 10_000

/**
 * Ids for idempotent producers. The controller gives a broker blocks of ids (AllocateProducerIds, 67), each to one broker once, so no id is ever given out
 * twice in a cluster. Fetches the next block before the present one is used up; who finds none waits.
 */
export class ProducerIds {
  private readonly broker: BrokerContext
  private block: Block | null = null
  private nextBlock: Block | null = null
  private isFetching = false
  private waiting: ((id: number) => void)[] = []

  constructor(broker: BrokerContext) {
    this.broker = broker
  }

  /** Null when there is none within `timeoutMs`: the client may ask again. */
  next(timeoutMs: Millis): number | null | Promise<number | null> {
    const id = this.take()
    if (id !== null) return id
    if (this.waiting.length >= waitersMax) return null
    const { clock } = this.broker
    return new Promise((resolve) => {
      const timer = clock.after(timeoutMs, () => {
        this.waiting = this.waiting.filter((it) => it !== give)
        resolve(null)
      })
      const give = (given: number): void => {
        timer.cancel()
        resolve(given)
      }
      this.waiting.push(give)
    })
  }

  private take(): number | null {
    if (this.block === null || this.block.next >= this.block.end) {
      this.block = this.nextBlock
      this.nextBlock = null
    }
    const { block } = this
    const id = block === null ? null : block.next
    if (block !== null) block.next += 1
    this.prefetch()
    return id
  }

  private prefetch(): void {
    const { block } = this
    const isLow = block === null || block.size - (block.end - block.next) >= block.size * prefetchThreshold
    if (!isLow || this.nextBlock !== null || this.isFetching) return
    this.isFetching = true
    this.fetch().then(
      (fetched) => this.onFetched(fetched),
      (error: unknown) => {
        this.broker.log.write('error', 'producer-ids-failed', String(error))
        this.onFetched(null)
      },
    )
  }

  private onFetched(fetched: Block | null): void {
    if (fetched === null) {
      this.broker.clock.after(retryBackoffMs, () => {
        this.isFetching = false
        if (this.waiting.length > 0) this.prefetch()
      })
      return
    }
    this.isFetching = false
    assert(this.nextBlock === null, 'one block of producer ids at a time')
    this.nextBlock = fetched
    this.serveWaiting()
  }

  private serveWaiting(): void {
    while (this.waiting.length > 0) {
      const id = this.take()
      if (id === null) return
      this.waiting.shift()?.(id)
    }
  }

  private async fetch(): Promise<Block | null> {
    const { broker } = this
    const { brokerId, brokerEpoch } = broker
    if (brokerEpoch < 0) return null
    try {
      const options = {
        timeoutMs: broker.config.requestTimeoutMs,
        errorOf: (response: { readonly errorCode: number }) => response.errorCode,
      }
      const api = apis.allocateProducerIds
      const answer = await broker.controller.request(api, api.versionMax, { brokerId, brokerEpoch }, options)
      if (answer.errorCode === ErrorCode.NONE && answer.producerIdLen > 0) {
        return { next: answer.producerIdStart, end: answer.producerIdStart + answer.producerIdLen, size: answer.producerIdLen }
      }
      broker.log.write('warn', 'producer-ids-refused', `the controller gave no producer ids: ${errorName(answer.errorCode)}`)
    } catch (error) {
      if (!(error instanceof NoControllerError)) throw error
      broker.log.write('warn', 'producer-ids-refused', error.message)
    }
    return null
  }
}
