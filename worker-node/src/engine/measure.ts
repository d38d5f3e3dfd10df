import type { Engine } from './engine.ts'

/** Tokens of one measured answer; enough for its beginning not to matter. */
const TOKENS = 64
/** One model is measured for so long at most; milliseconds. */
const PATIENCE = 20_000

export interface MeasuredSpeed {
  /** Milliseconds until the first word of an engine that has nothing else to do. */
  readonly firstTokenMs: number
  /** Tokens a second of one answer by itself. */
  readonly single: number
  /** Tokens a second of as many answers together as the engine has slots. */
  readonly together: number
}

/**
 * Has a model say something, once alone and once in every slot: it is warm then, and how fast it is is known. The words are
 * this program's own, and what comes of them is thrown away.
 *
 * @throws EngineError when it cannot answer
 */
export async function measure(engine: Engine, model: string, monotonic: () => number): Promise<MeasuredSpeed> {
  const signal = AbortSignal.timeout(PATIENCE)
  // The first answer also loads what is loaded late, and tells how long that takes to nobody.
  await answer(engine, model, monotonic, signal)
  const alone = await answer(engine, model, monotonic, signal)
  const began = monotonic()
  const all = await Promise.all(Array.from({ length: engine.slots }, () => answer(engine, model, monotonic, signal)))
  const seconds = (monotonic() - began) / 1000
  const tokens = all.reduce((sum, one) => sum + one.tokens, 0)
  return {
    firstTokenMs: alone.firstTokenMs,
    single: rate(alone.tokens, alone.seconds),
    together: rate(tokens, seconds),
  }
}

async function answer(engine: Engine, model: string, monotonic: () => number, signal: AbortSignal) {
  const began = monotonic()
  let firstTokenMs: number | undefined
  let tokens = 0
  const messages = [{ role: 'user' as const, content: 'Count from one to one hundred, in words.' }]
  for await (const event of engine.chat({ model, messages, max_tokens: TOKENS, temperature: 0 }, { signal })) {
    if (event.type === 'delta') firstTokenMs ??= monotonic() - began
    else tokens = event.usage.completion + event.usage.reasoning
  }
  const milliseconds = monotonic() - began
  return { tokens, seconds: milliseconds / 1000, firstTokenMs: firstTokenMs ?? milliseconds }
}

function rate(tokens: number, seconds: number): number {
  return seconds > 0 ? tokens / seconds : 0
}
