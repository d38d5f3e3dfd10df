import type { LlamaContext } from 'node-llama-cpp'
import { EngineError } from './engine.ts'

type Sample = (...args: unknown[]) => Promise<unknown>

/**
 * Makes a context sample one token at a time.
 *
 * After a batch was computed node-llama-cpp 3.21.1 samples for all its sequences at once, each in a thread of its own.
 * llama.cpp puts the rows of the result in order when they are first read (`llama_context::output_reorder`), and does so
 * without a lock: two threads that read first together exchange rows twice, and a sequence samples from the row of
 * another. On a node that is another person's answer. The next batch waits for all
 * sampling in any case, so little is lost (figures in docs/decisions/012).
 *
 * The package has no setting for it, so this takes the place of a method behind its doors, which is why its version is
 * pinned; a version that looks different is refused here instead of being trusted.
 * @throws EngineError `engine-failed`
 */
export function sampleInTurn(context: LlamaContext): void {
  const native: unknown = Reflect.get(context, '_ctx')
  const sample: unknown = typeof native === 'object' && native !== null ? Reflect.get(native, 'sampleToken') : undefined
  if (typeof native !== 'object' || native === null || typeof sample !== 'function') {
    throw refused()
  }
  let before: Promise<unknown> = Promise.resolve()
  const inTurn: Sample = (...args) => {
    const mine = before.then(() => (sample as Sample).apply(native, args))
    before = mine.catch(() => undefined)
    return mine
  }
  // Defined on the object itself: the class's own method is read-only.
  if (!Reflect.defineProperty(native, 'sampleToken', { value: inTurn })) {
    throw refused()
  }
}

function refused(): EngineError {
  const why = 'this version of node-llama-cpp may mix the answers of jobs that run at the same time'
  return new EngineError('engine-failed', `${why}: use 3.21.1`)
}
