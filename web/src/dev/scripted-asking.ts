// For component tests and the showcase. Never in the production bundle: nothing under dev/ is reached from main.tsx.
import type { AskEvent, Asking, AskOptions, KeptAnswer, Model, NodeView, ResumeOptions, Trial } from '../asking.ts'
import type { Reappraised } from '../proof-sheet.tsx'

/** What happens in answer to one question: events, records to keep, waits (in milliseconds, or for something), or an error to throw. */
export type Scene = readonly (
  | AskEvent
  | { readonly type: 'keep'; readonly kept: KeptAnswer }
  | number
  | Promise<unknown>
  | Error
  | 'forever'
)[]

export const node: NodeView = { nodeId: '3f9c'.repeat(16), evidence: null, standing: 'not-attested' }
export const privateNode: NodeView = { ...node, evidence: 'ab'.repeat(32), standing: 'private' }

export const demoModel: Model = {
  id: 'cocoon-demo',
  name: 'Cocoon Demo',
  about: 'Knows Cocoon, and little else',
  nodes: 2,
  free: 7,
  context: 2048,
  price: { prompt: '2000000', cached: '500000', completion: '8000000', reasoning: '8000000' },
}

export const done = (cost = 0n, status: 'done' | 'cancelled' = 'done'): AskEvent => ({
  type: 'done',
  status,
  finishReason: 'stop',
  usage: { prompt: 31, cached: 12, completion: 84, reasoning: 0 },
  cost,
  frames: 9,
})
export const opening = (machine: NodeView = node): AskEvent[] => [
  { type: 'matching' },
  { type: 'checking', nodeId: machine.nodeId },
  { type: 'sealing' },
  { type: 'sealed', jobId: 'c0'.repeat(32), node: machine },
]
export const says = (text: string): AskEvent => ({ type: 'delta', text, reasoning: '' })
/** A text as a stream of pieces with waits between them. */
export const streamed = (text: string, waitMs: number): Scene =>
  (text.match(/\s*\S+/g) ?? []).flatMap((piece) => [says(piece), waitMs])

/** Plays one scene per question, the last one again and again. */
export class ScriptedAsking implements Asking {
  readonly development: boolean
  readonly asked: AskOptions[] = []
  readonly resumed: (ResumeOptions & { readonly kept: KeptAnswer })[] = []
  /** What became of each record: whether it was stored. */
  readonly stored: boolean[] = []
  readonly prepared: { readonly model: string; readonly exclude: readonly string[] }[] = []
  /** What an appraisal made again finds. */
  reappraised: Reappraised = {
    standing: 'private',
    at: 1_795_780_800,
    evidence: 'ab'.repeat(32),
    steps: [
      { name: 'tdx.quote', status: 'passed', code: null, detail: 'version 4, TDX 1.0 report' },
      { name: 'tdx.tcb', status: 'passed', code: null, detail: 'UpToDate of 2026-09-28T00:00:00.000Z' },
      { name: 'td.attributes', status: 'passed', code: null, detail: 'TD attributes 10000000' },
      { name: 'workload.register', status: 'passed', code: null, detail: 'RTMR3 ec2dda9feabbde67' },
      { name: 'gpu.mode', status: 'passed', code: null, detail: 'one GPU' },
      { name: 'statement.identity', status: 'passed', code: null, detail: '' },
      { name: 'registry.signatures', status: 'passed', code: null, detail: 'signed by 2 of 3 owners, 2 needed' },
    ],
  }
  flushed = 0
  woken = 0
  left: Trial = { left: 9, of: 10, renews: Math.floor(Date.now() / 1000) + 3600 * 9 }
  served: readonly Model[] = [demoModel]
  readonly #scenes: Scene[]

  readonly reappraise = async (): Promise<Reappraised> => this.reappraised

  constructor(scenes: Scene[], development = true) {
    this.#scenes = scenes
    this.development = development
  }

  models(): Promise<readonly Model[]> {
    return Promise.resolve(this.served)
  }

  trial(): Promise<Trial> {
    return Promise.resolve(this.left)
  }

  ask(options: AskOptions): AsyncGenerator<AskEvent> {
    this.asked.push(options)
    return this.#play(options)
  }

  resume(kept: KeptAnswer, options: ResumeOptions): AsyncGenerator<AskEvent> {
    this.resumed.push({ ...options, kept })
    return this.#play(options)
  }

  prepare(model: string, exclude: readonly string[]): Promise<void> {
    this.prepared.push({ model, exclude })
    return Promise.reject(new Error('nothing is prepared on a stage'))
  }

  flush(): Promise<void> {
    this.flushed++
    return Promise.resolve()
  }

  wake(): void {
    this.woken++
  }

  async *#play({ signal, keep }: ResumeOptions): AsyncGenerator<AskEvent> {
    const scene = (this.#scenes.length > 1 ? this.#scenes.shift() : this.#scenes[0]) ?? []
    for (const step of scene) {
      if (signal?.aborted) {
        yield done(0n, 'cancelled')
        return
      }
      if (step instanceof Error) throw step
      if (step === 'forever') await waitFor(Number.POSITIVE_INFINITY, signal)
      else if (typeof step === 'number') await waitFor(step, signal)
      else if (step instanceof Promise) await step
      else if (step.type !== 'keep') yield step
      else {
        const stored = keep?.(step.kept).then(
          () => true,
          () => false,
        )
        this.stored.push((await stored) ?? false)
      }
    }
    if (signal?.aborted) yield done(0n, 'cancelled')
  }
}

/** Ends early when the signal aborts. */
function waitFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (ms !== Number.POSITIVE_INFINITY) setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}
