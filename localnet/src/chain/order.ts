import type { Message } from '@ton/core'

/**
 * How a block orders what waits: as it came, backwards, or shuffled by a seed. A chain promises no more than that
 * messages from one account to another arrive in the order in which they were sent; whatever relies on more breaks here.
 */
export type Order = 'as-sent' | 'reversed' | { readonly seed: number }

export function ordered(messages: readonly Message[], order: Order): readonly Message[] {
  if (order === 'as-sent') return messages
  const pairs = new Map<string, Message[]>()
  for (const [i, message] of messages.entries()) {
    const pair = pairOf(message, i)
    pairs.set(pair, [...(pairs.get(pair) ?? []), message])
  }
  const waiting = [...pairs.values()]
  const random = order === 'reversed' ? undefined : randomFrom(order.seed)
  const out: Message[] = []
  while (waiting.length > 0) {
    const at = random ? Math.floor(random() * waiting.length) : waiting.length - 1
    const next = waiting[at]?.shift()
    if (next) out.push(next)
    if (waiting[at]?.length === 0) waiting.splice(at, 1)
  }
  return out
}

/** Externals come from nowhere, so no two of them are bound to an order. */
function pairOf({ info }: Message, position: number): string {
  return info.type === 'internal' ? `${info.src.toRawString()} ${info.dest.toRawString()}` : `external ${position}`
}

/** mulberry32, from 0 to 1: a shuffle that a test can repeat. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
