// `npm run smoke -- [--prompt TEXT] [--state DIR]`: starts the system, asks one question, prints one line of JSON last.
import { parseArgs } from 'node:util'
import { createClient, keySignIn } from '@cocoon/client'
import { CocoonError, createSigner } from '@cocoon/protocol'
import { DEMO_MODEL, startSystem, type System } from './system.ts'

const { values } = parseArgs({
  options: { prompt: { type: 'string', default: 'What is Cocoon?' }, state: { type: 'string' } },
})

interface Outcome {
  readonly ok: boolean
  readonly answer: string
  readonly model: string
  readonly ttftMs: number | null
  readonly tokens: number
  readonly frames: number
  readonly error?: string
}

async function askOnce(system: System): Promise<Outcome> {
  const client = createClient({ origin: system.origin, network: 'localnet', signIn: keySignIn(await createSigner()) })
  const outcome = { model: DEMO_MODEL.id, answer: '', ttftMs: null as number | null }
  const began = performance.now()
  const messages = [{ role: 'user' as const, content: values.prompt }]
  for await (const event of client.ask({ model: DEMO_MODEL.id, messages, temperature: 0 })) {
    if (event.type === 'delta') {
      outcome.ttftMs ??= Math.round((performance.now() - began) * 10) / 10
      outcome.answer += event.text
    } else if (event.type === 'done') {
      const tokens = event.usage.completion + event.usage.reasoning
      return { ok: event.status === 'done' && outcome.answer.length > 0, ...outcome, tokens, frames: event.frames }
    }
  }
  throw new CocoonError('truncated', 'the events ended without an end')
}

let system: System | undefined
let outcome: Outcome
try {
  system = await startSystem(values.state === undefined ? {} : { state: values.state })
  outcome = await askOnce(system)
} catch (error) {
  const reason = error instanceof CocoonError ? `${error.code}: ${error.message}` : String(error)
  outcome = { ok: false, answer: '', model: DEMO_MODEL.id, ttftMs: null, tokens: 0, frames: 0, error: reason }
}
await system?.stop()
console.log(JSON.stringify(outcome))
process.exit(outcome.ok ? 0 : 1)
