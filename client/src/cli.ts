// `npm run ask -- "question"`: asks a running system from the terminal.
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CocoonError, createSigner, networks, type NetworkName } from '@cocoon/protocol'
import { createClient, keySignIn, type Tool } from './index.ts'

const usage = `usage: npm run ask -- [--broker URL] [--network NAME] [--model ID] [--max-tokens N] [--schema FILE] [--tools FILE] "question"

--schema: a JSON schema that the answer obeys. --tools: a list of tools in OpenAI's form; calls are printed, one a line.
Without --broker the system that \`npm start\` runs is asked. Ctrl-C cancels the answer at the machine, and ends with 130.`

/** How a shell says that Ctrl-C ended a program. */
const INTERRUPTED = 130

function fail(message: string, code = 2): never {
  console.error(message)
  process.exit(code)
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        broker: { type: 'string' },
        network: { type: 'string' },
        model: { type: 'string' },
        'max-tokens': { type: 'string' },
        schema: { type: 'string' },
        tools: { type: 'string' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : 'wrong arguments'}\n\n${usage}`)
  }
}

/** Text from a machine nobody has to trust: its control characters could rewrite what the terminal shows. */
function printable(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '')
}

const { values, positionals } = readArguments()
const question = positionals.join(' ').trim()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
if (!question) fail(usage)
const origin = values.broker ?? process.env['COCOON_BROKER']
if (!origin) fail('No broker to ask: run `npm start` in another terminal, or give --broker URL.')
const network = values.network ?? process.env['COCOON_NETWORK'] ?? 'mainnet'
if (!Object.hasOwn(networks, network)) fail(`--network is one of ${Object.keys(networks).join(', ')}`)
const maxTokens = values['max-tokens'] === undefined ? undefined : Number(values['max-tokens'])
if (maxTokens !== undefined && !(Number.isSafeInteger(maxTokens) && maxTokens > 0))
  fail('--max-tokens is a whole number')

async function jsonFile<Shape>(flag: string, path: string | undefined): Promise<Shape | undefined> {
  if (path === undefined) return undefined
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Shape
  } catch (error) {
    return fail(`--${flag}: ${path}: ${error instanceof Error ? error.message : 'cannot be read'}`)
  }
}
const schema = await jsonFile<Readonly<Record<string, unknown>>>('schema', values.schema)
const tools = await jsonFile<Tool[]>('tools', values.tools)

const note = (text: string): void => console.error(process.stderr.isTTY ? `\x1b[2m${text}\x1b[0m` : text)
const waits = { 'all-busy': 'all machines are busy, you are in line', 'rate-limited': 'a little too fast' } as const
const standings = {
  private: 'proven private',
  development: 'development machine, not private',
  open: 'open: its operator may read',
  'not-attested': 'not-attested',
} as const
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

try {
  const signIn = keySignIn(await createSigner())
  const client = createClient({ origin: origin.replace(/\/$/, ''), network: network as NetworkName, signIn })
  const model = values.model ?? (await client.models()).find(({ nodes }) => nodes > 0)?.id
  if (!model) fail('No node serves any model now. Nothing was sent. Try again in a minute.', 1)
  const messages = [{ role: 'user' as const, content: question }]
  const options = {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(schema && { responseFormat: { type: 'json_schema' as const, json_schema: { name: 'answer', schema } } }),
    ...(tools && { tools }),
  }
  for await (const event of client.ask({ model, messages, signal: stop.signal, ...options })) {
    switch (event.type) {
      case 'sealed':
        note(`sealed to node ${event.node.nodeId.slice(0, 16)} (${standings[event.node.standing]}), model ${model}`)
        break
      case 'delta':
        process.stdout.write(printable(event.text))
        break
      case 'waiting':
        note(`${waits[event.code]}; asking again in ${Math.ceil(event.retryAfterMs / 1000)} s`)
        break
      case 'moved':
        note(`moved to node ${event.nodeId.slice(0, 16)} (${event.code})`)
        break
      case 'lost':
        note('\nconnection lost; the answer waits, sealed')
        break
      case 'resumed':
        note('back, nothing missed')
        break
      case 'done': {
        process.stdout.write('\n')
        for (const { function: called } of event.toolCalls ?? []) {
          process.stdout.write(`${printable(JSON.stringify(called))}\n`)
        }
        const { prompt, cached, completion, reasoning } = event.usage
        note(
          `${event.status}: ${prompt + cached} tokens read, ${completion + reasoning} written, ${event.cost} nanograms`,
        )
        break
      }
      case 'refused':
        note(`node ${event.nodeId.slice(0, 16)} was refused (${event.code}); looking for another`)
        break
      case 'matching':
      case 'checking':
      case 'sealing':
        break
    }
  }
  process.exit(stop.signal.aborted ? INTERRUPTED : 0)
} catch (error) {
  if (!(error instanceof CocoonError)) throw error
  if (stop.signal.aborted && error.code === 'cancelled') fail(`\n${error.message}`, INTERRUPTED)
  fail(`${error.code}: ${error.message}. ${adviceFor(error)}`, 1)
}

function adviceFor({ action, retryAfterMs }: CocoonError): string {
  switch (action) {
    case 'wait':
      return `Try again${retryAfterMs ? ` in ${Math.ceil(retryAfterMs / 1000)} s` : ' in a moment'}.`
    case 'other-node':
    case 'fetch-again':
      return 'Ask again: another machine may answer.'
    case 'sign-in':
      return 'Ask again to sign in anew; check the clock of this machine.'
    case 'pay':
      return 'The free questions are used up.'
    case 'stop':
      return 'This is a security failure: nothing more was sent.'
    case 'fix-call':
      return 'Change the question or the options.'
  }
}
