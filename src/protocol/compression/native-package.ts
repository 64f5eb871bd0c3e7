import { createRequire } from 'node:module'
import { CodecUnavailableError } from './outcomes.ts'

const requireFromHere = createRequire(import.meta.url)

/** Loads a package with native code when it is first called: most brokers never look inside a compressed batch of each codec. */
export function nativePackage<T>(name: string): () => T {
  let loaded: T | undefined
  return () => {
    if (loaded === undefined) {
      try {
        loaded = requireFromHere(name) as T
      } catch (error) {
        throw new CodecUnavailableError(
          `the package ${name} cannot be loaded here: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    }
    return loaded
  }
}
