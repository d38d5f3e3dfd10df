import { limits } from '@cocoon/protocol'
import { EngineError, type ToolCallDelta } from './engine.ts'

/**
 * Numbers an answer's tool calls. Engines differ: some give every call the index 0 and an id of its own, some send a call
 * without an id, some repeat the id with every piece.
 */
export class ToolCallOrder {
  readonly #newId: () => string
  /** By the engine's own index: the call that is being written there. */
  readonly #open = new Map<number, { readonly index: number; readonly theirs: string | undefined }>()
  #count = 0

  constructor(newId: () => string) {
    this.#newId = newId
  }

  /** True when the answer calls a tool. */
  get called(): boolean {
    return this.#count > 0
  }

  /** @throws EngineError `engine-failed` for more calls than an answer may have, or pieces of a call that never began */
  number({ index: theirIndex, id, function: called }: ToolCallDelta): ToolCallDelta {
    const open = this.#open.get(theirIndex)
    const arrived = called && { function: called }
    // A piece that says who it is goes on with what bears that name; any other goes on with what is open there.
    if (open && (id === undefined || id === open.theirs)) {
      const written = called?.arguments
      return { index: open.index, ...(written !== undefined && { function: { arguments: written } }) }
    }
    if (called?.name === undefined) throw new EngineError('engine-failed', 'the engine calls a tool without a name')
    if (this.#count >= limits.toolCalls) throw new EngineError('engine-failed', 'the engine calls too many tools')
    const index = this.#count++
    this.#open.set(theirIndex, { index, theirs: id })
    return { index, id: id ?? this.#newId(), type: 'function', ...arrived }
  }
}

/** Calls of one conversation must not share an id; nothing of the node or the job is to be read in it. */
export function newCallId(): string {
  return `call_${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`
}
