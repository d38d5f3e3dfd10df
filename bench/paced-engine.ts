import type { WorkerNode } from '@cocoon/worker-node'

type Engine = Parameters<typeof WorkerNode.start>[0]['engine']

/** Stands where an engine with this many slots would: it says numbered words at a steady pace, and costs nearly nothing. */
export function pacedEngine(model: string, slots: number, words: number, paceMs: number): Engine {
  return {
    kind: 'openai',
    slots,
    models: async () => [{ id: model, context: 4096, maxOutput: words }],
    async *chat(_, { signal }) {
      for (let word = 0; word < words && !signal.aborted; word++) {
        yield { type: 'delta', index: 0, delta: { content: `${word} ` } }
        await new Promise((resolve) => setTimeout(resolve, paceMs))
      }
      const usage = { prompt: 5, cached: 0, completion: words, reasoning: 0 }
      yield { type: 'end', finishReason: signal.aborted ? 'cancelled' : 'stop', usage }
    },
    close: async () => undefined,
  }
}

/** All it says. */
export function pacedAnswer(words: number): string {
  return Array.from({ length: words }, (_, word) => `${word} `).join('')
}
